package gateway

import (
	"context"
	"net/http"
	"time"

	"google.golang.org/grpc/codes"

	"github.com/mqrpc/mqrpc/runtime"
)

// Codec is how a front has messages.
type Codec int

// The codecs.
const (
	// CodecJSON is ProtoJSON, read and written as Config.JSON says.
	CodecJSON Codec = iota
	// CodecProtobuf is protobuf's binary encoding, which is passed on as it is.
	CodecProtobuf
)

// Caller is who makes a request.
type Caller struct {
	// Address is the network address that the request came from.
	Address string
}

// Request is a call on its way from a front to a worker. One goroutine has it
// at a time.
type Request struct {
	// ID names the request, in the log and for the worker.
	ID string
	// Header is what the front has received. Filters read it only.
	Header http.Header
	// Caller is who makes the request.
	Caller Caller
	// Arrived is when the request had been read. Its time counts from then.
	Arrived time.Time

	// Route is where the call goes. [Request.Resolve] sets it.
	Route *Route
	// Codec is the encoding of Body, and of the response.
	Codec Codec
	// Body is the request message.
	Body []byte
	// Metadata travels to the worker: the request's ID, the headers that
	// Config.ForwardHeaders names, and what filters add.
	Metadata runtime.Metadata

	gateway  *Gateway
	exchange *exchange // nil outside HTTP
	memory   *buffers
	bytes    int64 // of the gateway's budget
	departed bool  // the filters that may change the route are passed
}

// NewRequest admits a request that a front has received, or refuses it because
// there are too many. An admitted one must be released. The context is the HTTP
// request's.
func (g *Gateway) NewRequest(ctx context.Context, header http.Header, caller Caller) (*Request, error) {
	if !g.inFlight.Enter(int64(g.config.Limits.InFlight)) {
		return nil, TooMuch(ReasonTooManyCalls, "too many calls are in flight in this gateway")
	}
	request := &Request{
		Header:   header,
		Caller:   caller,
		Arrived:  time.Now(),
		gateway:  g,
		exchange: exchangeOf(ctx),
		memory:   takeBuffers(),
	}
	if request.exchange != nil {
		request.ID = request.exchange.requestID
	} else {
		request.ID = newRequestID()
	}
	request.Metadata = g.metadataOf(request)
	return request, nil
}

// Release ends the request. What lay in its memory, the response's payload
// among it, is not valid any more.
func (r *Request) Release() {
	r.memory.release()
	r.memory = nil
	r.gateway.bytes.give(r.bytes)
	r.gateway.inFlight.Leave()
}

// Resolve finds the route to a method. Its error says which of module, version
// and method is unknown, and leaves the route as it was. A filter may use it to
// change the route, in StageSplit or before.
func (r *Request) Resolve(ctx context.Context, module, version, method string) error {
	if r.departed {
		return runtime.NewError(codes.Internal, "a filter has changed the route later than in StageSplit")
	}
	route, err := r.gateway.findRoute(ctx, module, version, method)
	if err != nil {
		if r.exchange != nil {
			r.exchange.unknown = Quote(module + "/" + version + "/" + method)
		}
		return err
	}
	r.Route = route
	if r.exchange != nil {
		r.exchange.route = route
	}
	return nil
}
