package runtime

import (
	"errors"
	"time"

	"google.golang.org/grpc/codes"

	"github.com/mqrpc/mqrpc/wire"
)

// enqueue gives a call to the gatherer of its queue.
func (c *Client) enqueue(call *openCall) {
	size := wire.CallSize(&wire.Call{
		ID: call.id, Method: call.method.Name, Payload: call.payload, Metadata: call.metadata,
		Timeout: c.config.Timeout,
	})
	c.destinations.add(call.method.Queue(), call, size, call.method.pace.expected())
}

// publish sends the calls of a batch whose callers still wait.
func (c *Client) publish(queue string, batch []*openCall, bytes int, settled func()) {
	now := time.Now()
	body := make([]byte, 0, bytes)
	var last time.Time
	sent := batch[:0]
	for _, call := range batch {
		remaining := call.deadline.Sub(now)
		if call.abandoned.Load() || remaining <= 0 {
			continue
		}
		body = wire.AppendCall(body, &wire.Call{
			ID: call.id, Method: call.method.Name, Payload: call.payload,
			Timeout: remaining, Metadata: call.metadata,
		})
		if call.deadline.After(last) {
			last = call.deadline
		}
		sent = append(sent, call)
	}
	if len(sent) == 0 {
		settled()
		return
	}
	c.counters.messages.Add(1)
	c.transport.Publish(Publishing{
		Exchange:   wire.CallExchange,
		RoutingKey: queue,
		Type:       wire.TypeCall,
		ReplyTo:    c.replyQueue,
		Body:       body,
		Expiration: last.Sub(now),
		Deadline:   last,
	}, func(err error) {
		c.settle(sent, err)
		settled()
	})
}

// settle fails the calls of a message that the broker did not take. Those of a
// message that has arrived, or may have, stay open: a reply may come, and after
// a reconnect those that may be repeated are sent again.
func (c *Client) settle(calls []*openCall, err error) {
	for _, call := range calls {
		if err == nil || errors.Is(err, ErrLost) {
			call.sent.Store(true)
		} else {
			c.open.finish(call.id, outcome{err: unsentError(call.method, err)})
		}
	}
}

func unsentError(method *Method, cause error) *Error {
	switch {
	case errors.Is(cause, ErrNoQueue):
		return Errorf(codes.Unavailable, "no worker serves %s/%s (there is no queue %s): %w",
			method.Module, method.Version, method.Queue(), cause)
	case errors.Is(cause, ErrRefused), errors.Is(cause, ErrBacklog):
		return Errorf(codes.ResourceExhausted, "the call of %s was not taken: %w", method, cause)
	case errors.Is(cause, ErrExpired):
		return Errorf(codes.DeadlineExceeded, "the call of %s was not sent: %w", method, cause)
	default:
		return Errorf(codes.Unavailable, "the call of %s was not sent: %w", method, cause)
	}
}

// resendAfterReconnect returns a watcher of the transport that sends again,
// after every reconnect, the open calls that may be repeated: the broker may
// have lost them, or their worker's reply.
func (c *Client) resendAfterReconnect() func(State) {
	connects := 0
	return func(state State) {
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
			c.enqueue(call)
		}
	}
}
