package gateway

import (
	"context"
	"sync"
	"time"
)

// callContext is the context of one call: the request's, until the call's time
// is over. A [runtime.Client] keeps the time itself, so timer and channel are
// made only when somebody else asks for the context's end: an interceptor, or
// another caller.
type callContext struct {
	context.Context //nolint:containedctx // the request's

	deadline time.Time

	mu       sync.Mutex // protects what follows
	returned bool
	ending   context.Context // nil until somebody asks
	cancel   context.CancelFunc
}

// newCallContext returns a context that must be ended when the call has
// returned.
func newCallContext(request context.Context, longest time.Duration) *callContext {
	c := &callContext{Context: request, deadline: time.Now().Add(longest)}
	if earlier, ok := request.Deadline(); ok && earlier.Before(c.deadline) {
		c.deadline = earlier
	}
	return c
}

// end cancels the context.
func (c *callContext) end() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.returned = true
	if c.cancel != nil {
		c.cancel()
	}
}

// full returns the context with timer and channel.
func (c *callContext) full() context.Context {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.ending == nil {
		c.ending, c.cancel = context.WithDeadline(c.Context, c.deadline)
		if c.returned {
			c.cancel()
		}
	}
	return c.ending
}

// Deadline is when the call's time is over.
func (c *callContext) Deadline() (time.Time, bool) { return c.deadline, true }

// Done is closed when the context ends.
func (c *callContext) Done() <-chan struct{} { return c.full().Done() }

// Err says why the context has ended, nil if it has not.
func (c *callContext) Err() error { return c.full().Err() }

// Gone is closed when the client has gone. See [runtime.Client.Invoke].
func (c *callContext) Gone() <-chan struct{} { return c.Context.Done() }

// Value returns what the request's context has.
func (c *callContext) Value(key any) any {
	c.mu.Lock()
	ending := c.ending
	c.mu.Unlock()
	if ending == nil {
		return c.Context.Value(key)
	}
	// Package context looks for its own kind of context among a new one's
	// parents, to be ended by it without a goroutine.
	return ending.Value(key)
}
