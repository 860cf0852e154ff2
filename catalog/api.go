package catalog

import (
	"errors"
	"sync"
	"sync/atomic"

	mqrpcv1 "github.com/mqrpc/mqrpc/proto/mqrpc/v1"
	"github.com/mqrpc/mqrpc/runtime"
	"github.com/mqrpc/mqrpc/transcode"
)

// What a source of APIs answers when there is no such API.
var (
	ErrUnknownModule  = errors.New("unknown module")
	ErrUnknownVersion = errors.New("unknown version of the module")
)

// API is what is served under one (module, version). It must not be changed
// once it has been handed out, nor copied.
type API struct {
	// Module and Version name the API.
	Module, Version string
	// Services are the services of the API. Their methods must have Request and
	// Response set; messages of dynamicpb will do.
	Services []*runtime.Service
	// Resolver finds the types inside google.protobuf.Any and of extensions.
	// Nil: the one of the user's transcode.Options.
	Resolver transcode.Resolver
	// Policy is how the API is treated. Its parts that are invalid, which
	// [API.PolicyProblems] names, are left out. Nil: the default.
	Policy *mqrpcv1.Policy
	// Calls counts the calls under way. Who replaces an API by a later state of
	// it passes this on, so that calls which began before still count. Nil:
	// counted for this state alone.
	Calls *Calls

	own  Calls    // used while Calls is nil
	made sync.Map // Maker -> func() any
}

// String is the API's name for people: "wxapp/1.0".
func (a *API) String() string { return a.Module + "/" + a.Version }

// Counter counts the calls of the API that are under way.
func (a *API) Counter() *Calls {
	if a.Calls != nil {
		return a.Calls
	}
	return &a.own
}

// Maker makes something of an API, such as what a gateway needs to route its
// calls. It is compared, so it is usually a pointer.
type Maker interface {
	// Make is called once for each API, by one goroutine.
	Make(api *API) any
}

// Made returns what the maker makes of the API. It is made at the first call and
// kept with the API, so that it goes when the API goes.
func (a *API) Made(by Maker) any {
	made, ok := a.made.Load(by)
	if !ok {
		made, _ = a.made.LoadOrStore(by, sync.OnceValue(func() any { return by.Make(a) }))
	}
	return made.(func() any)() //nolint:forcetypeassert // The map holds nothing else.
}

// Calls counts the calls of an API that are under way. The zero value is ready,
// and safe for concurrent use.
type Calls struct{ count atomic.Int64 }

// InFlight is the number of calls under way now.
func (c *Calls) InFlight() int64 { return c.count.Load() }

// Enter counts one call more, unless there are as many as the limit already. If
// it reports true, Leave must be called when the call is over.
func (c *Calls) Enter(limit int64) bool {
	if c.count.Add(1) > limit {
		c.count.Add(-1)
		return false
	}
	return true
}

// Leave ends what Enter began.
func (c *Calls) Leave() { c.count.Add(-1) }
