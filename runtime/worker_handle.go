package runtime

import (
	"context"
	"fmt"
	"log/slog"
	"runtime/debug"
	"strings"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"

	"github.com/mqrpc/mqrpc/wire"
)

// servedMethod is a method with its intercepted implementation.
type servedMethod struct {
	handler MethodHandler
	invoke  Handler
}

func newServedMethod(handler MethodHandler, interceptors []Interceptor) *servedMethod {
	return &servedMethod{handler: handler, invoke: intercept(handler.call, interceptors)}
}

// call is the innermost handler of a worker: it runs the implementation.
func (h MethodHandler) call(ctx context.Context, call *Call) (*Reply, error) {
	if h.run == nil {
		return nil, unimplemented(h.method)
	}
	if call.Message == nil {
		_, err := h.decode(call.Payload)
		return nil, Errorf(codes.InvalidArgument, "the request of %s cannot be decoded: %w", h.method, err)
	}
	response, err := h.run(ctx, call.Message)
	if err != nil {
		return nil, err
	}
	return &Reply{Message: response}, nil
}

// handle runs one call and sends its reply.
func (w *Worker) handle(m *message, method *servedMethod, call *wire.Call, redelivered bool) {
	timeout := call.Timeout
	if timeout <= 0 {
		timeout = DefaultTimeout
	}
	start := time.Now()
	waited := start.Sub(m.received)
	if waited >= timeout {
		w.counters.expired.Add(1)
		w.refuse(m, call, Errorf(codes.DeadlineExceeded,
			"%s waited %v for a free handler, longer than its caller", method.handler.method, waited.Round(time.Millisecond)))
		return
	}
	ctx, cancel := context.WithDeadline(w.handlers, m.received.Add(timeout))
	defer cancel()
	in := &incoming{call: &Call{
		Method:      method.handler.method,
		Metadata:    call.Metadata,
		Payload:     call.Payload,
		Redelivered: redelivered,
	}}
	if method.handler.decode != nil {
		if request, err := method.handler.decode(call.Payload); err == nil {
			in.call.Message = request
		}
	}
	// The error stands if the handler ends its goroutine.
	payload, err := []byte(nil), panicked(method.handler.method)
	defer func() {
		reply := wire.Reply{
			ID: call.ID, Payload: payload, Metadata: w.replyMetadata(method, in.reply),
			Waited: waited, Handled: max(time.Since(start), time.Microsecond),
		}
		if err != nil {
			w.counters.failed.Add(1)
			reply.Status = encodeStatus(err)
		}
		w.send(m, &reply)
	}()
	payload, err = w.invoke(context.WithValue(ctx, incomingKey{}, in), method, in)
}

func panicked(method *Method) *Error {
	return NewError(codes.Internal, "the handler of "+method.String()+" panicked; its worker's log has the stack")
}

// invoke runs the interceptors and the implementation, and encodes the
// response. A panic is an error for this call alone.
func (w *Worker) invoke(ctx context.Context, method *servedMethod, in *incoming) (payload []byte, err *Error) {
	returned := false
	defer func() {
		if returned {
			return
		}
		// recover gives nil for a handler that ended its goroutine instead.
		w.log.Error("a handler panicked",
			slog.String("method", method.handler.method.String()),
			slog.Any("panic", recover()),
			slog.String("stack", string(debug.Stack())))
		err = panicked(method.handler.method)
	}()
	reply, failure := method.invoke(ctx, in.call)
	returned = true
	if failure != nil {
		return nil, handlerError(failure)
	}
	if reply == nil {
		return nil, NewError(codes.Internal, "an interceptor returned neither a reply nor an error")
	}
	for key, value := range reply.Metadata {
		if in.reply == nil {
			in.reply = Metadata{}
		}
		in.reply.Set(key, value)
	}
	return w.encodeResponse(method.handler.method, reply)
}

// handlerError is what a caller learns of a handler's error.
func handlerError(failure error) *Error {
	err := AsError(failure)
	if err.code == codes.OK {
		return Errorf(codes.Unknown, "the handler failed with an error of code OK: %w", failure)
	}
	return err
}

func (w *Worker) encodeResponse(method *Method, reply *Reply) ([]byte, *Error) {
	payload := reply.Payload
	if reply.Message != nil {
		var err error
		if payload, err = proto.Marshal(reply.Message); err != nil {
			return nil, Errorf(codes.Internal, "the response of %s cannot be encoded: %w", method, err)
		}
	}
	if len(payload) > w.config.MaxPayload {
		return nil, Errorf(codes.ResourceExhausted, "the response of %s has %d bytes, more than the %d allowed",
			method, len(payload), w.config.MaxPayload)
	}
	return payload, nil
}

// replyMetadata leaves out what cannot be sent.
func (w *Worker) replyMetadata(method *servedMethod, metadata Metadata) Metadata {
	if err := wire.CheckMetadata(metadata); err != nil {
		w.complaints.do(func(more int) {
			w.log.Warn("the metadata of a reply was left out",
				slog.Any("error", err), slog.String("method", method.handler.method.String()), slog.Int("alike", more))
		})
		return nil
	}
	return metadata
}

// refuse answers a call whose handler does not run.
func (w *Worker) refuse(m *message, call *wire.Call, err *Error) {
	w.counters.failed.Add(1)
	w.send(m, &wire.Reply{ID: call.ID, Waited: time.Since(m.received), Status: encodeStatus(err)})
}

// readyReply is a reply that waits to be sent, with the message of its call.
type readyReply struct {
	message *message
	reply   wire.Reply
}

func (w *Worker) send(m *message, reply *wire.Reply) {
	w.replies.add(m.key.replyTo, &readyReply{m, *reply}, wire.ReplySize(reply), 0)
}

// replyHold is how long replies wait for the end of an outage.
const replyHold = 30 * time.Second

// publish sends replies to one reply queue.
func (w *Worker) publish(queue string, batch []*readyReply, bytes int, settled func()) {
	body := wire.AppendInstance(make([]byte, 0, bytes+len(w.config.Instance)+8), w.config.Instance)
	for _, ready := range batch {
		body = wire.AppendReply(body, &ready.reply)
	}
	w.counters.replies.Add(int64(len(batch)))
	w.counters.replyMessages.Add(1)
	w.transport.Publish(Publishing{
		Exchange:   wire.ReplyExchange,
		RoutingKey: queue,
		Type:       wire.TypeReply,
		Body:       body,
		Deadline:   time.Now().Add(replyHold),
		Hold:       true,
	}, func(err error) {
		w.replied(queue, batch, err)
		settled()
	})
}

// replied lets the messages of the calls go whose replies the broker has taken,
// or can never take.
func (w *Worker) replied(queue string, batch []*readyReply, err error) {
	if err != nil {
		w.counters.undeliverable.Add(int64(len(batch)))
		w.complaints.do(func(more int) {
			w.log.Warn("replies could not be delivered",
				slog.Any("error", err), slog.String("queue", queue), slog.Int("replies", len(batch)), slog.Int("alike", more))
		})
	}
	for _, ready := range batch {
		ready.message.answered()
	}
}

// The longest message of an error that is sent, in bytes.
const maxErrorMessage = 16 << 10

func encodeStatus(err *Error) []byte {
	s := err.Proto()
	message := err.message
	if len(message) > maxErrorMessage {
		message = message[:maxErrorMessage] + "…"
	}
	s.Message = strings.ToValidUTF8(message, "\uFFFD")
	encoded, failure := proto.Marshal(s)
	if failure != nil || len(encoded) > DefaultMaxPayload {
		s.Details = nil
		s.Message = fmt.Sprintf("%s (its %d details could not be sent)", s.GetMessage(), len(err.details))
		encoded, _ = proto.Marshal(s) // a code and valid text
	}
	return encoded
}
