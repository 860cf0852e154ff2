package gateway

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/types/known/anypb"

	"github.com/mqrpc/mqrpc/catalog"
	"github.com/mqrpc/mqrpc/contract"
	"github.com/mqrpc/mqrpc/runtime"
	"github.com/mqrpc/mqrpc/transcode"
)

// Route is where a call goes.
type Route struct {
	// API is the API, with its policy.
	API *catalog.API
	// Method is the method, with the timeout in effect.
	Method *runtime.Method

	name    string        // of the method, for the access log
	timeout time.Duration // what the caller waits at most
	api     *preparedAPI

	// The converters of the messages are made when the method is called first: a
	// contract may have thousands of methods.
	compiling         sync.Once
	request, response *transcode.Message
	err               error // why there are none
}

// String is the method's name for people: "wxapp/1.0/WxappManager.SessionKey".
func (r *Route) String() string { return r.name }

// Response is the response message that the JSON describes, in a codec. Filters
// that answer by themselves make their [Response] of it.
func (r *Route) Response(codec Codec, json []byte) ([]byte, error) {
	encoded, err := r.response.AppendWire(nil, json)
	if err != nil || codec == CodecProtobuf {
		return encoded, err
	}
	return r.response.AppendJSON(nil, encoded)
}

// preparedAPI is what a gateway makes of an API, for its calls.
type preparedAPI struct {
	methods map[string]*Route
	types   *transcode.Types   // of all its messages
	details *transcode.Message // for the details of errors
	// arrive is the way through the filters for callers that name the API,
	// depart the rest of it for calls of the API.
	arrive, depart Handler
	err            error // why there is none of all this
}

// maxReplyJSON bounds the JSON of one reply unless Config.JSON says otherwise: a
// few bytes of a hostile worker's reply may stand for a long name in its contract.
const maxReplyJSON = 64 << 20

// routes finds routes. It keeps no table of its own: what it makes of an API is
// kept with the API, so that it takes no lock to find, however many there are,
// and goes when the source lets the API go.
type routes struct {
	sources sources
	json    transcode.Options
	timeout time.Duration // of calls that have none of their own
	filters []Filter      // sorted
	call    Handler
}

// makeKnown prepares the APIs that are known from the beginning, with all their
// methods.
func (r *routes) makeKnown() error {
	for _, source := range r.sources {
		eager, ok := source.(Eager)
		if !ok {
			continue
		}
		for _, api := range eager.Known() {
			prepared := r.prepared(api)
			if prepared.err != nil {
				return fmt.Errorf("gateway: %w", prepared.err)
			}
			for _, route := range prepared.methods {
				if err := route.compile(); err != nil {
					return fmt.Errorf("gateway: %w", err)
				}
			}
		}
	}
	return nil
}

// findRoute returns the route to a method, within the time of a call.
func (g *Gateway) findRoute(ctx context.Context, module, version, method string) (*Route, error) {
	found := g.routes.findLoaded(module, version, method)
	if found == nil {
		ctx, cancel := context.WithTimeout(ctx, g.config.Timeouts.Call)
		defer cancel()
		var err error
		if found, err = g.routes.find(ctx, module, version, method); err != nil {
			return nil, err
		}
	}
	if err := found.compile(); err != nil {
		return nil, brokenContract(found.API, err)
	}
	return found, nil
}

// findLoaded returns the route to a method of an API that a source has in memory,
// nil if there is none. It is what find finds, without a context.
func (r *routes) findLoaded(module, version, method string) *Route {
	api := r.sources.loaded(module, version)
	if api == nil {
		return nil
	}
	return r.prepared(api).methods[method]
}

// find returns the route to a method. Its error says which of module, version
// and method is unknown.
func (r *routes) find(ctx context.Context, module, version, method string) (*Route, error) {
	if err := contract.CheckModule(module); err != nil {
		return nil, unknown(ReasonUnknownModule, "module", err.Error())
	}
	if err := contract.CheckVersion(version); err != nil {
		return nil, unknown(ReasonUnknownVersion, "version", err.Error())
	}
	api, err := r.sources.API(ctx, module, version)
	switch {
	case errors.Is(err, catalog.ErrUnknownModule):
		return nil, unknown(ReasonUnknownModule, "module", fmt.Sprintf("there is no module %q", module))
	case errors.Is(err, catalog.ErrUnknownVersion):
		return nil, unknown(ReasonUnknownVersion, "version", fmt.Sprintf("module %q has no version %q", module, version))
	case err != nil:
		return nil, lookupError(ctx, module+"/"+version, err)
	}
	prepared := r.prepared(api)
	if prepared.err != nil {
		return nil, brokenContract(api, prepared.err)
	}
	if found := prepared.methods[method]; found != nil {
		return found, nil
	}
	if err := contract.CheckMethod(method); err != nil {
		return nil, unknown(ReasonUnknownMethod, "method", err.Error())
	}
	return nil, unknown(ReasonUnknownMethod, "method", fmt.Sprintf("%s has no method %q", api, method))
}

func unknown(reason, parameter, why string) error {
	return InvalidParameter(codes.NotFound, reason, parameter, "unknown "+parameter+": "+why)
}

// lookupError is the error for a lookup without an answer.
func lookupError(ctx context.Context, api string, err error) error {
	switch ended := ctx.Err(); {
	case ended != nil:
		return withhold(NewError(runtime.CodeOf(ended), ReasonLookupFailed, api+" could not be looked up in time"), err)
	case errors.Is(err, catalog.ErrBusy):
		return TooMuch(ReasonLookupFailed, catalog.ErrBusy.Error())
	}
	return withhold(NewError(codes.Unavailable, ReasonLookupFailed, api+" could not be looked up now; it may be there"), err)
}

// brokenContract is the error for what cannot be called because of how its
// contract is.
func brokenContract(api *catalog.API, err error) error {
	return withhold(NewError(codes.Internal, ReasonBrokenContract, "the contract of "+api.String()+" cannot be used"), err)
}

// prepared is the API ready for calls.
func (r *routes) prepared(api *catalog.API) *preparedAPI {
	return api.Made(r).(*preparedAPI) //nolint:forcetypeassert // Make returns nothing else.
}

// Make implements [catalog.Maker].
func (r *routes) Make(api *catalog.API) any {
	prepared, err := r.prepare(api)
	if err != nil {
		return &preparedAPI{err: fmt.Errorf("API %s: %w", api, err)}
	}
	return prepared
}

func (r *routes) prepare(api *catalog.API) (*preparedAPI, error) {
	options := api.Options(r.json)
	if options.MaxJSON == 0 {
		options.MaxJSON = maxReplyJSON
	}
	types, err := transcode.NewTypes(options)
	if err != nil {
		return nil, err
	}
	details, err := newDetails(types)
	if err != nil {
		return nil, err
	}
	prepared := &preparedAPI{
		methods: map[string]*Route{},
		types:   types,
		details: details,
		arrive:  wrapStages(api, r.filters, 0, StageSplit, depart),
		depart:  wrapStages(api, r.filters, StageSplit+1, stages, r.call),
	}
	for _, service := range api.Services {
		for _, method := range service.Methods {
			if prepared.methods[method.Name] != nil {
				return nil, fmt.Errorf("method %s is there twice", method.Name)
			}
			prepared.methods[method.Name] = r.newRoute(api, method, prepared)
		}
	}
	return prepared, nil
}

func (r *routes) newRoute(api *catalog.API, method *runtime.Method, prepared *preparedAPI) *Route {
	route := &Route{API: api, Method: method, name: method.String(), timeout: api.Timeout(method), api: prepared}
	if route.timeout != method.Timeout {
		changed := *method
		changed.Timeout = route.timeout
		route.Method = &changed
	}
	if route.timeout <= 0 {
		route.timeout = r.timeout
	}
	return route
}

// compile makes the converters of the method's messages, once.
func (r *Route) compile() error {
	r.compiling.Do(func() {
		if r.err = r.check(); r.err == nil {
			r.request, r.err = r.api.types.Message(r.Method.Request.ProtoReflect().Descriptor())
		}
		if r.err == nil {
			r.response, r.err = r.api.types.Message(r.Method.Response.ProtoReflect().Descriptor())
		}
		if r.err != nil {
			r.err = fmt.Errorf("API %s: method %s: %w", r.API, r.Method.Name, r.err)
		}
	})
	return r.err
}

func (r *Route) check() error {
	if err := contract.CheckMethod(r.Method.Name); err != nil {
		return err
	}
	if r.Method.Module != r.API.Module || r.Method.Version != r.API.Version {
		return fmt.Errorf("it belongs to %s/%s", r.Method.Module, r.Method.Version)
	}
	if r.Method.Request == nil || r.Method.Response == nil {
		return errors.New("the descriptors of its messages are missing")
	}
	return nil
}

// newDetails is the converter for the details of errors.
func newDetails(types *transcode.Types) (*transcode.Message, error) {
	return types.Message((*anypb.Any)(nil).ProtoReflect().Descriptor())
}
