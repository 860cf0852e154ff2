package gateway

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"

	mqrpcv1 "github.com/mqrpc/mqrpc/proto/mqrpc/v1"
	"github.com/mqrpc/mqrpc/runtime"
	"github.com/mqrpc/mqrpc/transcode"
)

// Source knows APIs. A gateway asks its sources for every request, so a source
// answers what it knows from memory and loads the rest within the context. It
// is safe for concurrent use.
type Source interface {
	// API returns the API (module, version). Its error is [ErrUnknownModule] or
	// [ErrUnknownVersion], wrapped or not, when the source is sure that there
	// is none; any other error means that the source could not find out.
	//
	// The same pointer says that nothing has changed. Returning another one is
	// how a source changes an API: requests under way finish with the one that
	// they have found.
	API(ctx context.Context, module, version string) (*API, error)
}

// Loaded is a [Source] that tells what it has in memory. A gateway asks it so
// first, which saves the context with the time that loading may take.
type Loaded interface {
	Source
	// Loaded returns what API would return without waiting, nil if it would
	// wait or fail.
	Loaded(module, version string) *API
}

// Eager is a [Source] with APIs that are known from the beginning. [New] makes
// them ready, so that what is wrong with them shows then.
type Eager interface {
	Source
	// Known returns those APIs.
	Known() []*API
}

// API is what is served under one (module, version). It must not be changed
// once a source has returned it, nor copied: a gateway keeps what it has made of
// it inside, so that both go together.
type API struct {
	// Module and Version name the API.
	Module, Version string
	// Services are the services of the API. Their methods must have Request and
	// Response set; messages of dynamicpb will do.
	Services []*runtime.Service
	// Resolver finds the types inside google.protobuf.Any and of extensions.
	// Nil: the one of Config.JSON.
	Resolver transcode.Resolver
	// Policy is how the API is treated. Its parts that are invalid, which
	// [API.PolicyProblems] names, are left out. Nil: the default.
	Policy *mqrpcv1.Policy
	// Calls counts the calls under way. A source that changes an API passes it
	// on, so that calls which have begun before still count against
	// Limits.InFlightPerAPI. Nil: counted for this API alone.
	Calls *Calls

	compiled  atomic.Pointer[[]*compiledAPI] // by each gateway that has used it
	compiling sync.Mutex                     // held while that list grows
}

// Calls counts the calls of an API that are under way. The zero value is ready,
// and safe for concurrent use.
type Calls struct{ count atomic.Int64 }

// InFlight is the number of calls under way now.
func (c *Calls) InFlight() int64 { return c.count.Load() }

// What a [Source] answers when there is no such API.
var (
	ErrUnknownModule  = errors.New("unknown module")
	ErrUnknownVersion = errors.New("unknown version of the module")
)

// sources asks several sources one after the other.
type sources []Source

// loaded returns the first source's API if it is in memory. The others come
// after it: whether it has none is not known without asking.
func (s sources) loaded(module, version string) *API {
	if len(s) == 0 {
		return nil
	}
	if first, ok := s[0].(Loaded); ok {
		return first.Loaded(module, version)
	}
	return nil
}

// API returns the first API found. Without one, a source that could not find
// out outweighs those that know of none, and one that knows the module outweighs
// those that do not.
func (s sources) API(ctx context.Context, module, version string) (*API, error) {
	unknown := ErrUnknownModule
	var failures []error
	for _, source := range s {
		api, err := source.API(ctx, module, version)
		switch {
		case err == nil:
			return api, nil
		case errors.Is(err, ErrUnknownVersion):
			unknown = ErrUnknownVersion
		case !errors.Is(err, ErrUnknownModule):
			failures = append(failures, err)
		}
	}
	if len(failures) > 0 {
		return nil, fmt.Errorf("%s/%s could not be looked up: %w", module, version, errors.Join(failures...))
	}
	return nil, unknown
}
