package gateway

import (
	"context"
	"errors"
	"strings"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"

	"github.com/mqrpc/mqrpc/runtime"
)

// paramBizContent is what errors about the request message call it.
const paramBizContent = "bizContent"

// call is the handler inside all filters: it makes the call.
func (g *Gateway) call(ctx context.Context, request *Request) Response {
	payload, err := request.encode()
	if err != nil {
		return Response{Err: err}
	}
	reply, err := g.invoke(ctx, request, payload)
	if err != nil {
		return Response{Err: err}
	}
	return request.decode(reply)
}

// encode is the request message as it travels.
func (r *Request) encode() ([]byte, error) {
	if r.Codec == CodecProtobuf {
		return r.Body, nil
	}
	payload, err := r.Route.request.AppendWire(r.memory.payload[:0], r.Body)
	if err != nil {
		return nil, InvalidParameter(codes.InvalidArgument, ReasonInvalidBizContent, paramBizContent,
			"bizContent is not a "+string(r.Route.request.Descriptor().FullName())+": "+err.Error())
	}
	return payload, nil
}

// invoke makes the call. It ends when the context does.
func (g *Gateway) invoke(ctx context.Context, request *Request, payload []byte) (*runtime.Reply, error) {
	route := request.Route
	longest := route.timeout
	if deadline, ok := ctx.Deadline(); ok {
		longest = min(longest, time.Until(deadline))
	}
	request.memory.payload = nil // or the next request had it, should the caller panic
	reply, err := g.config.Caller.Invoke(ctx, &runtime.Call{
		Method:   route.Method,
		Metadata: request.Metadata,
		Payload:  payload,
		Timeout:  longest,
	})
	if request.Codec != CodecProtobuf {
		request.memory.payload = payload
	}
	if errors.Is(err, runtime.ErrNoWorker) {
		// The API is known, so that its queue is gone means that it is not
		// served now.
		return nil, withhold(NewError(codes.Unavailable, ReasonNoWorker, "no worker serves "+route.API.String()+" now"), err)
	}
	if err != nil {
		request.hold(proto.Size(runtime.AsError(err).Proto())) // a worker's may be large
		return nil, route.failedCall(err)
	}
	return reply, nil
}

// decode is a worker's reply as the front wants it.
func (r *Request) decode(reply *runtime.Reply) Response {
	response := Response{Payload: reply.Payload, Metadata: reply.Metadata}
	for key := range reply.Metadata {
		if strings.HasPrefix(key, reservedMetadata) {
			delete(reply.Metadata, key) // a worker is no filter
		}
	}
	r.hold(len(reply.Payload))
	if r.Codec == CodecProtobuf {
		return response
	}
	text, err := r.Route.response.AppendJSON(r.memory.reply[:0], reply.Payload)
	if err != nil {
		return Response{Metadata: reply.Metadata, Err: NewError(codes.Internal, ReasonMalformedReply,
			"the reply is not a "+string(r.Route.response.Descriptor().FullName())+": "+err.Error())}
	}
	r.hold(len(text))
	r.memory.reply, response.Payload = text, text
	return response
}
