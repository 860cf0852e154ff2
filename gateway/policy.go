package gateway

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"google.golang.org/grpc/codes"

	mqrpcv1 "github.com/mqrpc/mqrpc/proto/mqrpc/v1"
	"github.com/mqrpc/mqrpc/runtime"
	"github.com/mqrpc/mqrpc/transcode"
)

// DefaultResponseHeader is set when the answer is the policy's default response
// instead of the service's. Its value is one of the reasons below.
const DefaultResponseHeader = "X-Mqrpc-Default-Response"

// The reasons for a default response.
const (
	DefaultBecauseDisabled = "disabled" // the policy has disabled the method
	DefaultBecauseAbsent   = "absent"   // no worker serves the API
	DefaultBecauseSilent   = "silent"   // the time has passed without an answer
)

// anyMethod is the key of the default response for all methods without one of
// their own.
const anyMethod = "*"

// apply brings a policy into effect for the route. It is called before the
// route is used.
func (r *route) apply(policy *mqrpcv1.Policy) {
	own := policy.GetMethods()[r.method.Name]
	r.disabled = policy.GetDisabled() || own.GetDisabled()
	if timeout := timeoutOf(policy, r.method); timeout != r.method.Timeout {
		changed := *r.method
		changed.Timeout = timeout
		r.method = &changed
	}
	text, _, there := defaultResponse(policy, r.method.Name)
	if !there {
		return
	}
	if encoded, err := normalize(r.response, text); err == nil {
		r.defaultResponse = encoded
	}
}

// timeoutOf is the longest that a caller of the method waits: what the policy
// says for the method, else what it says for the API, else what the contract
// says. Zero: nobody says anything.
func timeoutOf(policy *mqrpcv1.Policy, method *runtime.Method) time.Duration {
	if own := policy.GetMethods()[method.Name]; own.GetTimeout() != nil {
		return own.GetTimeout().AsDuration()
	}
	if policy.GetTimeout() != nil {
		return policy.GetTimeout().AsDuration()
	}
	return method.Timeout
}

// Timeout is the longest that a caller of one of the API's methods waits, by the
// policy and the contract. Zero: they do not say, and the gateway's default
// applies.
func (a *API) Timeout(method *runtime.Method) time.Duration { return timeoutOf(a.Policy, method) }

// Disabled reports whether the API's policy refuses calls of a method.
func (a *API) Disabled(method *runtime.Method) bool {
	return a.Policy.GetDisabled() || a.Policy.GetMethods()[method.Name].GetDisabled()
}

// defaultResponse is the default response of a method and its key in the policy.
func defaultResponse(policy *mqrpcv1.Policy, method string) (text, key string, there bool) {
	for _, key := range []string{method, anyMethod} {
		if text, there := policy.GetDefaultResponses()[key]; there {
			return text, key, true
		}
	}
	return "", "", false
}

// normalize checks that a default response is the method's response message, and
// writes it as the gateway writes all of them.
func normalize(response *transcode.Message, text string) ([]byte, error) {
	encoded, err := response.AppendWire(nil, []byte(text))
	if err != nil {
		return nil, err
	}
	return response.AppendJSON(nil, encoded)
}

// PolicyProblems says which parts of the API's policy are invalid and are left
// out: default responses that are not the method's response message, and
// settings of methods that the API does not have. The options are those of the
// gateway that serves the API.
func (a *API) PolicyProblems(options transcode.Options) []error {
	var problems []error
	methods := map[string]bool{anyMethod: true}
	for _, service := range a.Services {
		for _, method := range service.Methods {
			methods[method.Name] = true
			if err := a.checkDefault(method, options); err != nil {
				problems = append(problems, err)
			}
		}
	}
	for _, name := range slices.Sorted(maps.Keys(a.Policy.GetDefaultResponses())) {
		if !methods[name] {
			problems = append(problems, fmt.Errorf("there is a default response for %q, which is no method of the API", name))
		}
	}
	for _, name := range slices.Sorted(maps.Keys(a.Policy.GetMethods())) {
		if name == anyMethod || !methods[name] {
			problems = append(problems, fmt.Errorf("there are settings for %q, which is no method of the API", name))
		}
	}
	return problems
}

func (a *API) checkDefault(method *runtime.Method, options transcode.Options) error {
	text, key, there := defaultResponse(a.Policy, method.Name)
	if !there || method.Response == nil {
		return nil
	}
	response, err := transcode.New(method.Response.ProtoReflect().Descriptor(), a.options(options))
	if err == nil {
		_, err = normalize(response, text)
	}
	if err != nil {
		return fmt.Errorf("the default response %q is not the response of %s: %w", key, method.Name, err)
	}
	return nil
}

// standIn is the default response for a call that failed, and why it is given;
// nil if there is none, or if the failure is one that it does not stand in for.
func (r *route) standIn(err error) (response []byte, reason string) {
	if err == nil || r.defaultResponse == nil {
		return nil, ""
	}
	failed := runtime.AsError(err)
	switch {
	case r.disabled:
		return r.defaultResponse, DefaultBecauseDisabled
	case errors.Is(err, runtime.ErrNoQueue):
		return r.defaultResponse, DefaultBecauseAbsent
	case failed.Code() == codes.DeadlineExceeded:
		return r.defaultResponse, DefaultBecauseSilent
	}
	return nil, ""
}
