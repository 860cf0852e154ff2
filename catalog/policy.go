package catalog

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/mqrpc/mqrpc/runtime"
	"github.com/mqrpc/mqrpc/transcode"
)

// anyMethod is the key of the default response for all methods without one of
// their own.
const anyMethod = "*"

// Timeout is the longest that a caller of one of the API's methods waits: what
// the policy says for the method, else what it says for the API, else what the
// contract says. Zero: nobody says anything.
func (a *API) Timeout(method *runtime.Method) time.Duration {
	if own := a.Policy.GetMethods()[method.Name]; own.GetTimeout() != nil {
		return own.GetTimeout().AsDuration()
	}
	if a.Policy.GetTimeout() != nil {
		return a.Policy.GetTimeout().AsDuration()
	}
	return method.Timeout
}

// Disabled reports whether the API's policy refuses calls of a method.
func (a *API) Disabled(method *runtime.Method) bool {
	return a.Policy.GetDisabled() || a.Policy.GetMethods()[method.Name].GetDisabled()
}

// DefaultResponse is the JSON that the API's policy answers with when the method
// cannot, and its key in the policy: the method's name, or "*".
func (a *API) DefaultResponse(method *runtime.Method) (text, key string, ok bool) {
	for _, key := range []string{method.Name, anyMethod} {
		if text, ok := a.Policy.GetDefaultResponses()[key]; ok {
			return text, key, true
		}
	}
	return "", "", false
}

// PolicyProblems says which parts of the API's policy are invalid and are left
// out: default responses that are not the method's response message, and
// settings of methods that the API does not have. The options are those of the
// gateway that serves the API.
func (a *API) PolicyProblems(options transcode.Options) []error {
	var problems []error
	methods := map[string]bool{}
	for _, service := range a.Services {
		for _, method := range service.Methods {
			methods[method.Name] = true
			if err := a.checkDefaultResponse(method, options); err != nil {
				problems = append(problems, err)
			}
		}
	}
	for _, name := range slices.Sorted(maps.Keys(a.Policy.GetDefaultResponses())) {
		if name != anyMethod && !methods[name] {
			problems = append(problems, fmt.Errorf("there is a default response for %q, which is no method of the API", name))
		}
	}
	for _, name := range slices.Sorted(maps.Keys(a.Policy.GetMethods())) {
		if !methods[name] {
			problems = append(problems, fmt.Errorf("there are settings for %q, which is no method of the API", name))
		}
	}
	return problems
}

func (a *API) checkDefaultResponse(method *runtime.Method, options transcode.Options) error {
	text, key, ok := a.DefaultResponse(method)
	if !ok || method.Response == nil {
		return nil
	}
	response, err := transcode.New(method.Response.ProtoReflect().Descriptor(), a.Options(options))
	if err == nil {
		_, err = response.AppendWire(nil, []byte(text))
	}
	if err != nil {
		return fmt.Errorf("the default response %q is not the response of %s: %w", key, method.Name, err)
	}
	return nil
}

// Options are the options, with the API's own resolver if it has one.
func (a *API) Options(options transcode.Options) transcode.Options {
	if a.Resolver != nil {
		options.Resolver = a.Resolver
	}
	return options
}
