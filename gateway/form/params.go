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

// params are the parameters as a body gives them, empty where it does not.
type params struct {
	module, version, method string
	bizContent              []byte
}

// complete refuses parameters that are missing.
func (p *params) complete() error {
	for _, name := range []struct{ name, value string }{
		{paramModule, p.module}, {paramVersion, p.version}, {paramMethod, p.method},
	} {
		if name.value == "" {
			return missing(name.name)
		}
	}
	if len(bytes.TrimSpace(p.bizContent)) == 0 {
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
