package gateway

import (
	"context"
	"errors"
	"fmt"

	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/types/known/anypb"

	"github.com/mqrpc/mqrpc/contract"
	"github.com/mqrpc/mqrpc/runtime"
	"github.com/mqrpc/mqrpc/transcode"
)

// route is where a call goes, with the converters for its messages and what the
// policy says about it.
type route struct {
	method            *runtime.Method // with the timeout in effect
	name              string          // of the method, for the access log
	request, response *transcode.Message
	api               *compiledAPI
	disabled          bool
	defaultResponse   []byte // nil: none
}

// compiledAPI is an [API] made ready for the calls of one gateway. It is
// immutable but for the count of its calls.
type compiledAPI struct {
	source   *API
	by       *routes
	methods  map[string]*route
	details  *transcode.Message // for the details of errors
	inFlight *inFlight
}

// routes finds routes. It keeps no table of its own: what it makes of an API is
// kept with the API, so that it takes no lock to find, however many there are,
// and goes when the source lets the API go.
type routes struct {
	sources sources
	json    transcode.Options
	perAPI  int // the limit of calls in flight
}

func newRoutes(config Config) (*routes, error) {
	r := &routes{sources: config.Sources, json: config.JSON, perAPI: config.Limits.InFlightPerAPI}
	for _, source := range config.Sources {
		if eager, ok := source.(Eager); ok {
			for _, api := range eager.Known() {
				if _, err := r.compiled(api); err != nil {
					return nil, fmt.Errorf("gateway: %w", err)
				}
			}
		}
	}
	return r, nil
}

// findLoaded returns the route to a method of an API that a source has in memory,
// nil if there is none. It is what find finds, without a context.
func (r *routes) findLoaded(module, version, method string) *route {
	source := r.sources.loaded(module, version)
	if source == nil {
		return nil
	}
	api, err := r.compiled(source)
	if err != nil {
		return nil // find says why
	}
	return api.methods[method]
}

// find returns the route to a method. Its error says which of module, version
// and method is unknown.
func (r *routes) find(ctx context.Context, module, version, method string) (*route, error) {
	if err := contract.CheckModule(module); err != nil {
		return nil, unknown(ReasonUnknownModule, "module", err.Error())
	}
	if err := contract.CheckVersion(version); err != nil {
		return nil, unknown(ReasonUnknownVersion, "version", err.Error())
	}
	source, err := r.sources.API(ctx, module, version)
	switch {
	case errors.Is(err, ErrUnknownModule):
		return nil, unknown(ReasonUnknownModule, "module", fmt.Sprintf("there is no module %q", module))
	case errors.Is(err, ErrUnknownVersion):
		return nil, unknown(ReasonUnknownVersion, "version", fmt.Sprintf("module %q has no version %q", module, version))
	case err != nil:
		return nil, lookupError(ctx, err)
	}
	api, err := r.compiled(source)
	if err != nil {
		return nil, runtime.Errorf(codes.Internal, "%w", err)
	}
	if found := api.methods[method]; found != nil {
		return found, nil
	}
	if err := contract.CheckMethod(method); err != nil {
		return nil, unknown(ReasonUnknownMethod, "method", err.Error())
	}
	return nil, unknown(ReasonUnknownMethod, "method", fmt.Sprintf("%s/%s has no method %q", module, version, method))
}

func unknown(reason, parameter, why string) error {
	return invalidParameter(codes.NotFound, reason, parameter, "unknown "+parameter+": "+why)
}

// lookupError is the error for a lookup without an answer.
func lookupError(ctx context.Context, err error) error {
	if ended := ctx.Err(); ended != nil {
		return runtime.Errorf(runtime.CodeOf(ended), "%w", err)
	}
	return newError(codes.Unavailable, ReasonLookupFailed, err.Error())
}

// compiled returns the API ready for calls, from the API itself when it has been
// compiled before.
func (r *routes) compiled(source *API) (*compiledAPI, error) {
	if api := r.compiledBefore(source); api != nil {
		return api, nil
	}
	source.compiling.Lock()
	defer source.compiling.Unlock()
	if api := r.compiledBefore(source); api != nil {
		return api, nil
	}
	api, err := r.compile(source)
	if err != nil {
		return nil, fmt.Errorf("API %s/%s: %w", source.Module, source.Version, err)
	}
	all := []*compiledAPI{api}
	if others := source.compiled.Load(); others != nil {
		all = append(all, *others...)
	}
	source.compiled.Store(&all)
	return api, nil
}

func (r *routes) compiledBefore(source *API) *compiledAPI {
	all := source.compiled.Load()
	if all == nil {
		return nil
	}
	for _, api := range *all {
		if api.by == r {
			return api
		}
	}
	return nil
}

func (r *routes) compile(source *API) (*compiledAPI, error) {
	options := source.options(r.json)
	details, err := newDetails(options)
	if err != nil {
		return nil, err
	}
	calls := source.Calls
	if calls == nil {
		calls = new(Calls)
	}
	api := &compiledAPI{
		source:   source,
		by:       r,
		methods:  map[string]*route{},
		details:  details,
		inFlight: newInFlight(r.perAPI, calls),
	}
	for _, service := range source.Services {
		for _, method := range service.Methods {
			if api.methods[method.Name] != nil {
				return nil, fmt.Errorf("method %s is there twice", method.Name)
			}
			found, err := compileRoute(api, method, options)
			if err != nil {
				return nil, fmt.Errorf("method %s: %w", method.Name, err)
			}
			found.apply(source.Policy)
			api.methods[method.Name] = found
		}
	}
	return api, nil
}

// options are a gateway's options for the API's messages.
func (a *API) options(options transcode.Options) transcode.Options {
	if a.Resolver != nil {
		options.Resolver = a.Resolver
	}
	return options
}

func compileRoute(api *compiledAPI, method *runtime.Method, options transcode.Options) (*route, error) {
	if err := contract.CheckMethod(method.Name); err != nil {
		return nil, err
	}
	if method.Module != api.source.Module || method.Version != api.source.Version {
		return nil, fmt.Errorf("it belongs to %s/%s", method.Module, method.Version)
	}
	if method.Request == nil || method.Response == nil {
		return nil, errors.New("the descriptors of its messages are missing")
	}
	request, err := transcode.New(method.Request.ProtoReflect().Descriptor(), options)
	if err != nil {
		return nil, err
	}
	response, err := transcode.New(method.Response.ProtoReflect().Descriptor(), options)
	if err != nil {
		return nil, err
	}
	return &route{method: method, name: method.String(), request: request, response: response, api: api}, nil
}

// newDetails is the converter for the details of errors.
func newDetails(options transcode.Options) (*transcode.Message, error) {
	return transcode.New((*anypb.Any)(nil).ProtoReflect().Descriptor(), options)
}

// String is the API's address for people: "wxapp/1.0".
func (a *compiledAPI) String() string { return a.source.Module + "/" + a.source.Version }
