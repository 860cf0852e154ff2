package runtime

import (
	"context"
	"sync"
	"time"
)

// handlerContext is the context of one handler: it ends with the caller's time,
// when the caller leaves, with the worker, and when the handler has returned. Most handlers never wait
// on their context, so timer and channel are made when it is first asked for
// its end.
type handlerContext struct {
	call  Call
	reply Metadata

	parent   context.Context // of all handlers
	deadline time.Time

	mu       sync.Mutex // protects what follows
	returned bool
	left     bool            // the caller has
	ending   context.Context // nil until somebody asks
	cancel   context.CancelFunc
}

var _ context.Context = (*handlerContext)(nil)

func (c *handlerContext) begin(parent context.Context, deadline time.Time, call Call) {
	c.parent, c.deadline, c.call = parent, deadline, call
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

// leave ends the context: the caller does not wait any more. It may be called
// before begin.
func (c *handlerContext) leave() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.left = true
	if c.cancel != nil {
		c.cancel()
	}
}

// callerLeft reports whether leave was called.
func (c *handlerContext) callerLeft() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.left
}

// full returns the context with timer and channel.
func (c *handlerContext) full() context.Context {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.ending == nil {
		c.ending, c.cancel = context.WithDeadline(c.parent, c.deadline)
		if c.returned || c.left {
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
