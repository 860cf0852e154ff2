package form

import (
	"bytes"

	"google.golang.org/grpc/codes"

	"github.com/mqrpc/mqrpc/gateway"
)

// The parameters of a call.
const (
	paramModule     = "module"
	paramVersion    = "version"
	paramMethod     = "method"
	paramBizContent = "bizContent"
)

// params are the parameters as the body gives them.
type params struct{ module, version, method, bizContent param }

// param is one of them.
type param struct {
	value []byte // may lie in the request's body
	times int    // how often it is given
}

func (p param) text() string { return string(p.value) }

// find returns the parameter of that name, nil for a name that means nothing
// here.
func (p *params) find(name []byte) *param {
	switch string(name) {
	case paramModule:
		return &p.module
	case paramVersion:
		return &p.version
	case paramMethod:
		return &p.method
	case paramBizContent:
		return &p.bizContent
	}
	return nil
}

// onlyOnce refuses parameters that are given more than once.
func (p *params) onlyOnce() error {
	switch {
	case p.module.times > 1:
		return duplicate(paramModule)
	case p.version.times > 1:
		return duplicate(paramVersion)
	case p.method.times > 1:
		return duplicate(paramMethod)
	case p.bizContent.times > 1:
		return duplicate(paramBizContent)
	}
	return nil
}

// complete refuses parameters that are missing.
func (p *params) complete() error {
	switch {
	case len(p.module.value) == 0:
		return missing(paramModule)
	case len(p.version.value) == 0:
		return missing(paramVersion)
	case len(p.method.value) == 0:
		return missing(paramMethod)
	case len(bytes.TrimSpace(p.bizContent.value)) == 0:
		return missing(paramBizContent)
	}
	return nil
}

func missing(name string) error {
	return gateway.InvalidParameter(codes.InvalidArgument, gateway.ReasonMissingParameter, name, "parameter "+name+" is missing")
}

func duplicate(name string) error {
	return gateway.InvalidParameter(codes.InvalidArgument, gateway.ReasonDuplicateParameter, name, "parameter "+name+" is given more than once")
}

// malformed is an error about the body as a whole.
func malformed(message string) error {
	return gateway.NewError(codes.InvalidArgument, gateway.ReasonMalformedBody, message)
}
