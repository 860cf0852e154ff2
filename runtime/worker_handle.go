package runtime

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"runtime/debug"
	"strings"
	"sync/atomic"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"

	"github.com/mqrpc/mqrpc/internal/batch"
	"github.com/mqrpc/mqrpc/runtime/transport"
	"github.com/mqrpc/mqrpc/wire"
)

// servedMethod is a method with its implementation.
type servedMethod struct {
	handler MethodHandler
	// intercepted runs the interceptors and the implementation.
	intercepted Handler
	// missing is set when it is known that there is no implementation.
	missing atomic.Bool
}

func newServedMethod(handler MethodHandler, interceptors []Interceptor) *servedMethod {
	method := &servedMethod{handler: handler, intercepted: intercept(handler.call, interceptors)}
	method.missing.Store(handler.run == nil)
	return method
}

// call is the innermost handler of a worker: it runs the implementation.
func (h MethodHandler) call(ctx context.Context, call *Call) (*Reply, error) {
	if h.run == nil {
		return nil, Unimplemented(h.method)
	}
	if call.Message == nil {
		_, err := h.decode(call.Payload)
		undecodable := Errorf(codes.InvalidArgument, "the request of %s cannot be decoded: %w", h.method, err)
		undecodable.unrun = true
		return nil, undecodable
	}
	response, err := h.run(ctx, call.Message)
	if err != nil {
		return nil, err
	}
	return &Reply{Message: response}, nil
}

// job is one call in the worker, from its arrival until its reply is sent.
type job struct {
	message *message
	method  *servedMethod
	call    *wire.ReceivedCall

	ctx         handlerContext
	redelivered bool
	returned    bool // the handler did, instead of ending by a panic
	unrun       bool // the implementation was not called, or is none
	reply       wire.Reply
	encoded     *[]byte // the memory of reply.Payload, to be used again
}

// run handles one call and sends its reply.
func (w *Worker) run(j *job) {
	timeout := j.call.Timeout
	if timeout <= 0 {
		timeout = DefaultTimeout
	}
	if j.ctx.callerLeft() {
		w.skip(j)
		return
	}
	j.reply.Waited = time.Since(j.message.received)
	if j.reply.Waited >= timeout {
		w.counters.expired.Add(1)
		w.refuse(j, Errorf(codes.DeadlineExceeded,
			"%s waited %v for a free handler, longer than its caller", j.method.handler.method, j.reply.Waited.Round(time.Millisecond)))
		return
	}
	j.ctx.begin(w.handlers, j.message.received.Add(timeout), Call{
		Method:      j.method.handler.method,
		Metadata:    j.metadata(),
		Payload:     j.call.Payload,
		Redelivered: j.redelivered,
	})
	defer w.finish(j)
	if err := w.invoke(j); err != nil {
		j.noteUnrun(err)
		w.fail(j, err)
	}
	j.returned = true
}

// finish sends the reply when the handler has returned. A panic is an error for
// this call alone.
func (w *Worker) finish(j *job) {
	if !j.returned {
		// recover gives nil for a handler that ended its goroutine instead.
		w.log.Error("a handler panicked",
			slog.String("method", j.method.handler.method.String()),
			slog.Any("panic", recover()),
			slog.String("stack", string(debug.Stack())))
		w.fail(j, panicked(j.method.handler.method))
	}
	j.ctx.end()
	j.reply.ID = j.call.ID
	j.reply.Metadata = w.replyMetadata(j.method, j.ctx.reply)
	if !j.unrun {
		j.reply.Handled = max(time.Since(j.message.received)-j.reply.Waited, time.Microsecond)
	}
	w.send(j)
}

// noteUnrun notes that nothing of the call has happened, where the error says so.
// One that a handler has got from another worker speaks of that one's call.
func (j *job) noteUnrun(err *Error) {
	if j.unrun = err.unrun && !err.remote; j.unrun && err.code == codes.Unimplemented {
		j.method.missing.Store(true)
	}
}

func (w *Worker) fail(j *job, err *Error) {
	w.counters.failed.Add(1)
	j.reply.Payload = nil
	j.reply.Status = encodeStatus(err)
}

func panicked(method *Method) *Error {
	return NewError(codes.Internal, "the handler of "+method.String()+" panicked; its worker's log has the stack")
}

// invoke decodes the request, runs the interceptors and the implementation, and
// encodes the response.
func (w *Worker) invoke(j *job) *Error {
	call := &j.ctx.call
	if decode := j.method.handler.decode; decode != nil {
		if request, err := decode(call.Payload); err == nil {
			call.Message = request
		}
	}
	reply, failure := j.method.intercepted(&j.ctx, call)
	if failure != nil {
		return handlerError(failure)
	}
	if reply == nil {
		return NewError(codes.Internal, "an interceptor returned neither a reply nor an error")
	}
	for key, value := range reply.Metadata {
		j.ctx.setReply(key, value)
	}
	if reply.Message == nil {
		return w.setPayload(j, reply.Payload)
	}
	return w.encodeResponse(j, reply.Message)
}

// handlerError is what a caller learns of a handler's error.
func handlerError(failure error) *Error {
	err := AsError(failure)
	if err.code == codes.OK {
		return Errorf(codes.Unknown, "the handler failed with an error of code OK: %w", failure)
	}
	return err
}

func (w *Worker) encodeResponse(j *job, response proto.Message) *Error {
	j.encoded = batch.TakeBuffer(0)
	payload, err := proto.MarshalOptions{}.MarshalAppend(*j.encoded, response)
	if err != nil {
		return Errorf(codes.Internal, "the response of %s cannot be encoded: %w", j.method.handler.method, err)
	}
	*j.encoded = payload
	return w.setPayload(j, payload)
}

func (w *Worker) setPayload(j *job, payload []byte) *Error {
	if len(payload) > w.config.MaxPayload {
		return Errorf(codes.ResourceExhausted, "the response of %s has %d bytes, more than the %d allowed",
			j.method.handler.method, len(payload), w.config.MaxPayload)
	}
	j.reply.Payload = payload
	return nil
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

// metadata is the call's, without what says who calls unless the message comes
// from an account that is believed.
func (j *job) metadata() Metadata {
	metadata := j.call.Metadata()
	if !j.message.trusted {
		maps.DeleteFunc(metadata, func(key, _ string) bool { return strings.HasPrefix(key, reservedMetadata) })
	}
	return metadata
}

// skip drops a call whose caller has left before its handler ran.
func (w *Worker) skip(j *job) {
	w.counters.cancelled.Add(1)
	j.message.unfinished.Add(-1)
	j.message.done()
}

// refuse answers a call whose handler does not run.
func (w *Worker) refuse(j *job, err *Error) {
	j.reply.ID = j.call.ID
	j.reply.Waited = time.Since(j.message.received)
	w.fail(j, err)
	w.send(j)
}

// replyTarget is the client that replies go to, and the API that they come from.
type replyTarget struct {
	client string
	api    *servedAPI
}

// send gives the reply to the gatherer of its client. It leaves with those to the
// other calls of the same message, unless these take too long.
func (w *Worker) send(j *job) {
	w.replies.To(replyTarget{j.message.key.client, j.message.api}).Add(batch.Entry[*job]{
		Content:  j,
		Bytes:    wire.ReplySize(&j.reply),
		Followed: j.message.unfinished.Add(-1) > 0,
	})
}

// replyHold is how long replies wait for the end of an outage.
const replyHold = 30 * time.Second

// sendBatch sends replies to one client.
func (w *Worker) sendBatch(to replyTarget, b *batch.Batch[*job]) bool {
	running, waiting := to.api.pool.load()
	free := max(w.config.Concurrency-running-waiting, 0)
	body := wire.AppendSender(*b.Body, wire.Sender{Instance: w.instance, Free: free})
	for _, j := range b.Contents {
		body = wire.AppendReply(body, &j.reply)
		batch.GiveBuffer(j.encoded)
		j.encoded, j.reply.Payload = nil, nil
	}
	*b.Body = body
	w.counters.replies.Add(int64(len(b.Contents)))
	w.counters.replyMessages.Add(1)
	w.publishReplies(to, b)
	return true
}

func (w *Worker) publishReplies(to replyTarget, b *batch.Batch[*job]) {
	w.transport.Publish(transport.Publishing{
		Exchange:   wire.RepliesExchange,
		RoutingKey: wire.ReplyKey(to.client, to.api.key.Module, to.api.key.Version),
		Type:       wire.TypeReply,
		Body:       *b.Body,
		Deadline:   b.Left.Add(replyHold),
		Retry:      true,
	}, b.Settle)
}

// The waits before replies are sent again that the broker has refused. They grow.
const (
	firstReplyRetry = 50 * time.Millisecond
	lastReplyRetry  = 2 * time.Second
)

// settled lets the messages of the calls go whose replies the broker has taken,
// or can never take. What it refuses it may take later.
func (w *Worker) settled(to replyTarget, b *batch.Batch[*job], err error) (final bool) {
	if waited := time.Since(b.Left); errors.Is(err, transport.ErrRefused) && waited < replyHold {
		time.AfterFunc(min(max(waited, firstReplyRetry), lastReplyRetry), func() { w.publishReplies(to, b) })
		return false
	}
	jobs := b.Contents
	if err == nil {
		to.api.answered.Add(int64(len(jobs)))
	} else {
		w.counters.undeliverable.Add(int64(len(jobs)))
		w.complaints.do(func(more int) {
			w.log.Warn("replies could not be delivered",
				slog.Any("error", err), slog.String("client", to.client), slog.Int("replies", len(jobs)), slog.Int("alike", more))
		})
	}
	for _, j := range jobs {
		j.message.done()
	}
	return true
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
	if failure != nil || len(encoded) > wire.MaxStatusBytes {
		s.Details = nil
		s.Message = fmt.Sprintf("%s (its %d details could not be sent)", s.GetMessage(), len(err.details))
		encoded, _ = proto.Marshal(s) // a code and valid text
	}
	return encoded
}
