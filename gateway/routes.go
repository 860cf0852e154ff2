package gateway

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"sync"
	"sync/atomic"

	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/types/known/anypb"

	"github.com/mqrpc/mqrpc/runtime"
	"github.com/mqrpc/mqrpc/transcode"
	"github.com/mqrpc/mqrpc/wire"
)

// route is where a call goes, with the converters for its messages.
type route struct {
	method            *runtime.Method
	request, response *transcode.Message
	api               *compiledAPI
}

// compiledAPI is an [API] made ready for calls. It is immutable but for the
// count of its calls.
type compiledAPI struct {
	source   *API
	methods  map[string]*route
	details  *transcode.Message // for the details of errors
	inFlight *inFlight
}

// routes finds routes. Reading takes no lock: the table of compiled APIs is
// immutable and replaced whole.
type routes struct {
	sources sources
	json    transcode.Options
	perAPI  int // the limit of calls in flight

	table   atomic.Pointer[map[apiKey]*compiledAPI]
	writing sync.Mutex // held while a new table is made
}

func newRoutes(config Config) (*routes, error) {
	r := &routes{sources: config.Sources, json: config.JSON, perAPI: config.Limits.InFlightPerAPI}
	r.table.Store(&map[apiKey]*compiledAPI{})
	for _, source := range config.Sources {
		if static, ok := source.(*staticSource); ok {
			for _, api := range static.known() {
				if _, err := r.compiled(api); err != nil {
					return nil, fmt.Errorf("gateway: %w", err)
				}
			}
		}
	}
	return r, nil
}

// find returns the route to a method. Its error says which of module, version
// and method is unknown.
func (r *routes) find(ctx context.Context, module, version, method string) (*route, error) {
	if err := wire.CheckModule(module); err != nil {
		return nil, unknown(ReasonUnknownModule, "module", err.Error())
	}
	if err := wire.CheckVersion(version); err != nil {
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
	if err := wire.CheckMethod(method); err != nil {
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

// compiled returns the API ready for calls, from the table when it is there.
func (r *routes) compiled(source *API) (*compiledAPI, error) {
	key := apiKey{source.Module, source.Version}
	if api := (*r.table.Load())[key]; api != nil && api.source == source {
		return api, nil
	}
	r.writing.Lock()
	defer r.writing.Unlock()
	old := *r.table.Load()
	if api := old[key]; api != nil && api.source == source {
		return api, nil
	}
	api, err := r.compile(source)
	if err != nil {
		return nil, fmt.Errorf("API %s/%s: %w", source.Module, source.Version, err)
	}
	if replaced := old[key]; replaced != nil {
		api.inFlight = replaced.inFlight // Calls under way still count.
	}
	table := maps.Clone(old)
	table[key] = api
	r.table.Store(&table)
	return api, nil
}

func (r *routes) compile(source *API) (*compiledAPI, error) {
	options := r.json
	if source.Resolver != nil {
		options.Resolver = source.Resolver
	}
	details, err := newDetails(options)
	if err != nil {
		return nil, err
	}
	api := &compiledAPI{
		source:   source,
		methods:  map[string]*route{},
		details:  details,
		inFlight: newInFlight(r.perAPI),
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
			api.methods[method.Name] = found
		}
	}
	return api, nil
}

func compileRoute(api *compiledAPI, method *runtime.Method, options transcode.Options) (*route, error) {
	if err := wire.CheckMethod(method.Name); err != nil {
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
	return &route{method: method, request: request, response: response, api: api}, nil
}

// newDetails is the converter for the details of errors.
func newDetails(options transcode.Options) (*transcode.Message, error) {
	return transcode.New((*anypb.Any)(nil).ProtoReflect().Descriptor(), options)
}

// String is the API's address for people: "wxapp/1.0".
func (a *compiledAPI) String() string { return a.source.Module + "/" + a.source.Version }
