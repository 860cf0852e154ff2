package catalog

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"google.golang.org/protobuf/reflect/protoreflect"

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

// The bounds of what is said of a policy, and of the JSON that is read to find
// out: the contract that it is held against may be a stranger's.
const (
	maxProblems    = 100
	maxCheckedJSON = 16 << 20
)

// PolicyProblems says which parts of the API's policy are invalid and are left
// out: default responses that are not the method's response message, and
// settings of methods that the API does not have. Of very many problems it names
// some. The options are those of the gateway that serves the API.
func (a *API) PolicyProblems(options transcode.Options) []error {
	methods := map[string]bool{}
	problems := a.defaultResponseProblems(options)
	for _, service := range a.Services {
		for _, method := range service.Methods {
			methods[method.Name] = true
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
	if more := len(problems) - maxProblems; more > 0 {
		problems = append(problems[:maxProblems], fmt.Errorf("there are %d more problems", more))
	}
	return problems
}

func (a *API) defaultResponseProblems(options transcode.Options) []error {
	if len(a.Policy.GetDefaultResponses()) == 0 {
		return nil
	}
	types, err := transcode.NewTypes(a.Options(options))
	if err != nil {
		return []error{err}
	}
	check := responseCheck{types: types, known: map[checkedResponse]error{}}
	var problems []error
	for _, service := range a.Services {
		for _, method := range service.Methods {
			text, key, ok := a.DefaultResponse(method)
			if !ok || method.Response == nil {
				continue
			}
			if err := check.do(method.Response.ProtoReflect().Descriptor(), key, text); err != nil {
				problems = append(problems, fmt.Errorf("the default response %q is not the response of %s: %w", key, method.Name, err))
			}
		}
	}
	if check.skipped > 0 {
		problems = append(problems, fmt.Errorf("the default responses of %d methods are too large to be checked all", check.skipped))
	}
	return problems
}

// responseCheck checks default responses against messages: each pair once, up to
// maxCheckedJSON in all.
type responseCheck struct {
	types   *transcode.Types
	known   map[checkedResponse]error
	read    int // bytes
	skipped int
}

type checkedResponse struct {
	message protoreflect.MessageDescriptor
	key     string
}

func (c *responseCheck) do(message protoreflect.MessageDescriptor, key, text string) error {
	pair := checkedResponse{message, key}
	if err, checked := c.known[pair]; checked {
		return err
	}
	if c.read+len(text) > maxCheckedJSON {
		c.skipped++
		return nil
	}
	c.read += len(text)
	response, err := c.types.Message(message)
	if err == nil {
		_, err = response.AppendWire(nil, []byte(text))
	}
	c.known[pair] = err
	return err
}

// Options are the options, with the API's own resolver if it has one.
func (a *API) Options(options transcode.Options) transcode.Options {
	if a.Resolver != nil {
		options.Resolver = a.Resolver
	}
	return options
}
