package runtime

import (
	"errors"
	"time"

	"google.golang.org/grpc/codes"

	"github.com/mqrpc/mqrpc/internal/batch"
	"github.com/mqrpc/mqrpc/runtime/transport"
	"github.com/mqrpc/mqrpc/wire"
)

// destination is the API whose queue a call goes to, or one instance of it.
type destination struct{ module, version, instance string }

// route is where messages to the destination go.
func (d destination) route() (exchange, routingKey string) {
	if d.instance != "" {
		return wire.ControlExchange, wire.ControlKey(d.module, d.version, d.instance)
	}
	return wire.CallsExchange, wire.APIKey(d.module, d.version)
}

// gather puts the call on its way into a message to its queue. Who does must hold
// it.
func (o *openCall) gather() {
	o.to.Add(batch.Entry[*openCall]{Content: o, Bytes: o.bytes, Work: o.method.pace.Expected()})
}

// callBytes is the most that a call adds to a message.
func callBytes(method *Method, payload []byte, metadata Metadata) int {
	return wire.CallSize(&wire.Call{
		Method: method.Name, Payload: payload, Metadata: metadata,
		Timeout: longestTimeout,
	})
}

// longestTimeout is a bound on timeouts for the size that they have on the wire.
const longestTimeout = 1<<63 - 1

// sendBatch sends the calls of a batch whose callers still wait.
func (c *Client) sendBatch(to destination, b *batch.Batch[*openCall]) bool {
	now := b.Left
	var last time.Time
	sent := b.Contents[:0]
	for _, call := range b.Contents {
		body, ok := call.appendTo(*b.Body, now)
		if !ok {
			c.release(call)
			continue
		}
		*b.Body = body
		if call.deadline.After(last) {
			last = call.deadline
		}
		sent = append(sent, call)
	}
	clear(b.Contents[len(sent):])
	b.Contents = sent
	if len(sent) == 0 {
		return false
	}
	c.counters.messages.Add(1)
	exchange, routingKey := to.route()
	c.transport.Publish(transport.Publishing{
		Exchange:   exchange,
		RoutingKey: routingKey,
		Type:       wire.TypeCall,
		ReplyTo:    c.name,
		Body:       *b.Body,
		Expiration: last.Sub(now),
		Deadline:   last,
	}, b.Settle)
	return true
}

// settled fails the calls of a message that the broker did not take. Those of a
// message that has arrived, or may have, stay open: a reply may come, and after
// a reconnect those that may be repeated are sent again. So are those of a message
// that the broker has refused: one of several queues may have taken it.
func (c *Client) settled(_ destination, b *batch.Batch[*openCall], err error) (final bool) {
	for _, call := range b.Contents {
		switch {
		case err == nil || errors.Is(err, transport.ErrLost) && !errors.Is(err, transport.ErrBlocked):
			call.markSent()
		case errors.Is(err, transport.ErrRefused) && call.method.Idempotency.Repeatable():
			c.resendLater(call)
			continue // it is still held
		default:
			c.open.finish(call.id, outcome{err: unsentError(call.method, err)})
		}
		c.release(call)
	}
	return true
}

const (
	// firstResend is the wait before a refused call is sent again. It doubles each
	// time.
	firstResend = 100 * time.Millisecond
	// maxResendDoublings bounds how often it doubles.
	maxResendDoublings = 5
)

// resendLater sends a call again that the broker has refused, if its caller still
// waits then.
func (c *Client) resendLater(call *openCall) {
	refusals := call.markRefused()
	pause := firstResend << min(refusals, maxResendDoublings)
	time.AfterFunc(pause, func() {
		c.counters.resent.Add(1)
		call.gather()
	})
}

func unsentError(method *Method, cause error) *Error {
	switch {
	case errors.Is(cause, transport.ErrNoQueue):
		return Errorf(codes.Unavailable, "no worker serves %s/%s (there is no queue %s): %w",
			method.Module, method.Version, method.Queue(), ErrNoWorker)
	case errors.Is(cause, transport.ErrLost) && method.Idempotency.Repeatable():
		return Errorf(codes.Unavailable, "the call of %s may have run: %w", method, cause)
	case errors.Is(cause, transport.ErrLost), errors.Is(cause, transport.ErrRefused):
		return Errorf(codes.Aborted, "the call of %s may have run: %w", method, cause)
	case errors.Is(cause, transport.ErrBacklog):
		return Errorf(codes.ResourceExhausted, "the call of %s was not taken: %w", method, cause)
	case errors.Is(cause, transport.ErrExpired):
		return Errorf(codes.DeadlineExceeded, "the call of %s was not sent: %w", method, cause)
	default:
		return Errorf(codes.Unavailable, "the call of %s was not sent: %w", method, cause)
	}
}

// resendAfterReconnect returns a watcher of the transport that sends again,
// after every reconnect, the open calls that may be repeated: the broker may
// have lost them, or their worker's reply.
func (c *Client) resendAfterReconnect() func(transport.State) {
	connects := 0
	return func(state transport.State) {
		if !state.Connected || state.Connects == connects {
			return
		}
		first := connects == 0
		connects = state.Connects
		if first {
			return
		}
		for _, call := range c.open.repeatable() {
			c.counters.resent.Add(1)
			call.gather()
		}
	}
}
