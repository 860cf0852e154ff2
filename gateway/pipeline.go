package gateway

import (
	"context"
	"net/http"

	"github.com/mqrpc/mqrpc/runtime"
)

// Front is a protocol in which callers reach the gateway. A front decodes its
// request and encodes the response; all between is [Gateway.Do]:
//
//	request, err := g.NewRequest(ctx, header, caller)
//	defer request.Release()
//	err = request.Resolve(ctx, module, version, method)
//	request.Codec, request.Body = gateway.CodecJSON, body
//	response := g.Do(ctx, request)
type Front interface {
	// Register adds the front's handlers. It is called once, by [New]. Two
	// fronts of one pattern make the mux panic.
	Register(mux *http.ServeMux, g *Gateway)
}

// Response is the outcome of a request.
type Response struct {
	// Payload is the response message, in the codec of the request. It may lie
	// in the request's memory: it is valid until [Request.Release].
	Payload []byte
	// Metadata is what the worker or a filter sends beside the response. Keys
	// that begin with "mqrpc-" are of filters.
	Metadata runtime.Metadata
	// Err is why there is no response. Its code and details are found as by
	// [runtime.AsError]. The caller reads the text of a [*runtime.Error] and of a
	// gRPC status; any other error is told by its code alone, and the log has it.
	Err error
}

// Do sends a request through the filters, and makes its call. The request's
// route must have been resolved.
//
// Its time is the one in effect for the method, from the request's arrival; a
// context that ends earlier wins.
func (g *Gateway) Do(ctx context.Context, request *Request) Response {
	ctx, cancel := context.WithDeadline(ctx, request.Arrived.Add(request.Route.timeout))
	defer cancel()
	response := request.Route.api.arrive(ctx, request)
	if response.Err != nil {
		response.Err = presentable(response.Err)
	}
	if x := request.exchange; x != nil {
		x.defaulted = response.Metadata[DefaultResponseMetadata]
		x.failed = response.Err
	}
	return response
}

// depart is what the last filter of the API that was named goes on with: those
// of the API that is called.
func depart(ctx context.Context, request *Request) Response {
	request.departed = true
	return request.Route.api.depart(ctx, request)
}
