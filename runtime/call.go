package runtime

import (
	"context"
	"slices"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"
)

// Call is one request, as interceptors and handlers see it, on the client's
// side and on the worker's.
type Call struct {
	// Method is what is called.
	Method *Method
	// Metadata travels beside the request. Interceptors may change it before
	// they go on.
	Metadata Metadata
	// Message is the request. On the client's side nil means that Payload is
	// sent as it is; on the worker's side nil means that the payload could not
	// be decoded, and the call fails after the interceptors have seen it.
	Message proto.Message
	// Payload is the request, encoded. The client ignores it when Message is
	// set. It must not be changed until Invoke has returned; the client does not
	// read it afterwards, so that its memory can be used again.
	Payload []byte
	// Timeout is the longest that the client waits for the reply, unless its
	// context ends earlier; it needs no timer of the context's. Zero or less:
	// the method's, else the client's. The worker's side has it in the handler's
	// context.
	Timeout time.Duration
	// Instance sends the call of a built-in method, such as mqrpc.Describe, to this
	// instance alone. Empty: any instance answers.
	Instance string
	// Redelivered is set on the worker's side when the broker delivers the call
	// for a second time: an earlier worker may have run it.
	Redelivered bool

	// reply is where the client decodes the response, nil for raw calls.
	reply proto.Message
}

// Reply is the answer to one [Call].
type Reply struct {
	// Message is the response. It is nil on the client's side when the call was
	// made with a payload.
	Message proto.Message
	// Payload is the response, encoded. The worker ignores it when Message is
	// set.
	Payload []byte
	// Metadata travels beside the response.
	Metadata Metadata
	// Instance is the worker that answered; set on the client's side.
	Instance string
	// Waited is how long the call waited inside the worker for its handler, and
	// Handled how long the handler ran; set on the client's side.
	Waited, Handled time.Duration
}

// Handler makes a call: the client's by sending it, the worker's by running the
// implementation.
type Handler func(ctx context.Context, call *Call) (*Reply, error)

// Interceptor wraps every call of a client or a worker, for logging,
// authentication, metrics and the like. It is called once for each client or
// worker; the handler that it returns is called concurrently.
//
// The first interceptor in a list is the outermost.
type Interceptor func(next Handler) Handler

func intercept(handler Handler, interceptors []Interceptor) Handler {
	for _, interceptor := range slices.Backward(interceptors) {
		handler = interceptor(handler)
	}
	return handler
}

// Caller makes calls. [*Client] is one; tests may use another.
type Caller interface {
	// Invoke makes one call and waits for its reply, until its time is over or
	// ctx ends. Its errors are of type [*Error].
	Invoke(ctx context.Context, call *Call) (*Reply, error)
}

// Unary makes one typed call. Generated clients are made of it.
func Unary[Resp any, PResp interface {
	*Resp
	proto.Message
}](ctx context.Context, caller Caller, method *Method, request proto.Message) (*Resp, error) {
	response := new(Resp)
	reply, err := caller.Invoke(ctx, &Call{
		Method:   method,
		Metadata: OutgoingMetadata(ctx),
		Message:  request,
		reply:    PResp(response),
	})
	if err != nil {
		return nil, err
	}
	switch message := reply.Message.(type) {
	case PResp: // usually response; an interceptor may have answered by itself
		return message, nil
	case nil:
		if err := decodeResponse(method, reply.Payload, PResp(response)); err != nil {
			return nil, err
		}
		return response, nil
	default:
		return nil, Errorf(codes.Internal, "the response of %s is a %T, not a %T", method, message, response)
	}
}

// MethodHandler is a method together with its implementation.
type MethodHandler struct {
	method *Method
	// decode turns a payload into the request message.
	decode func(payload []byte) (proto.Message, error)
	// run calls the implementation with a message that decode has made.
	run func(ctx context.Context, request proto.Message) (proto.Message, error)
}

// Handle joins a method with its implementation. Generated registration
// functions are made of it.
func Handle[Req any, PReq interface {
	*Req
	proto.Message
}, Resp proto.Message](method *Method, implementation func(context.Context, PReq) (Resp, error)) MethodHandler {
	return MethodHandler{
		method: method,
		decode: func(payload []byte) (proto.Message, error) {
			request := PReq(new(Req))
			return request, proto.Unmarshal(payload, request)
		},
		run: func(ctx context.Context, request proto.Message) (proto.Message, error) {
			response, err := implementation(ctx, request.(PReq))
			if err != nil {
				return nil, err
			}
			return response, nil
		},
	}
}

// Registrar takes the services that a worker serves. [*Worker] is one.
type Registrar interface {
	// Register adds a service with the implementations of its methods. Methods
	// without one answer UNIMPLEMENTED.
	Register(service *Service, handlers ...MethodHandler)
}
