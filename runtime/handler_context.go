package runtime

import (
	"context"
	"sync"
	"time"

	"github.com/mqrpc/mqrpc/wire"
)

// handlerContext is the context of one handler: it ends with the caller's time,
// with the worker, and when the handler has returned. Most handlers never wait
// on their context, so timer and channel are made when it is first asked for
// its end.
type handlerContext struct {
	call  Call // without its metadata until somebody asks
	reply Metadata

	parent   context.Context // of all handlers
	deadline time.Time

	mu       sync.Mutex         // protects what follows
	received *wire.ReceivedCall // has the call's metadata; nil once that is decoded
	returned bool
	ending   context.Context // nil until somebody asks
	cancel   context.CancelFunc
}

var _ context.Context = (*handlerContext)(nil)

func (c *handlerContext) begin(parent context.Context, deadline time.Time, received *wire.ReceivedCall, call Call) {
	c.parent, c.deadline, c.received, c.call = parent, deadline, received, call
}

// wholeCall returns the call with its metadata.
func (c *handlerContext) wholeCall() *Call {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.received != nil {
		c.call.Metadata, c.received = c.received.Metadata(), nil
	}
	return &c.call
}

// end cancels the context: the handler has returned.
func (c *handlerContext) end() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.returned = true
	if c.cancel != nil {
		c.cancel()
	}
}

// full returns the context with timer and channel.
func (c *handlerContext) full() context.Context {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.ending == nil {
		c.ending, c.cancel = context.WithDeadline(c.parent, c.deadline)
		if c.returned {
			c.cancel()
		}
	}
	return c.ending
}

// Deadline is when the caller's time is over.
func (c *handlerContext) Deadline() (time.Time, bool) { return c.deadline, true }

// Done is closed when the context ends.
func (c *handlerContext) Done() <-chan struct{} { return c.full().Done() }

// Err says why the context has ended, nil if it has not.
func (c *handlerContext) Err() error { return c.full().Err() }

// Value returns nil but for what this package and package context keep.
func (c *handlerContext) Value(key any) any {
	if _, ours := key.(incomingKey); ours {
		return c
	}
	if c.parent.Value(key) == nil {
		return nil
	}
	// Package context looks for its own kind of context among a new one's
	// parents, to be ended by it without a goroutine.
	return c.full().Value(key)
}

func (c *handlerContext) setReply(key, value string) {
	if c.reply == nil {
		c.reply = Metadata{}
	}
	c.reply.Set(key, value)
}
