// Package feed is the common half of a registry's watches: what is followed,
// and one goroutine that delivers events in order.
package feed

import (
	"context"
	"errors"
	"maps"
	"slices"
	"sync"

	"github.com/mqrpc/mqrpc/contract"
	mqrpcv1 "github.com/mqrpc/mqrpc/proto/mqrpc/v1"
	"github.com/mqrpc/mqrpc/registry"
)

// Feed delivers events to one watch. It is safe for concurrent use. Make it
// with [New].
type Feed struct {
	notify func(registry.Event)
	load   func(context.Context, contract.Key) (*mqrpcv1.Api, error)
	ctx    context.Context
	cancel context.CancelFunc
	done   chan struct{} // closed when the goroutine has ended

	mu       sync.Mutex
	changed  *sync.Cond
	followed map[contract.Key]bool
	queue    []item
	queued   map[contract.Key]bool // the keys of items without a state
	closed   bool
}

// item is an event to come, and what to call after it.
type item struct {
	event registry.Event
	done  func()
}

// New starts a feed that calls notify. Before it delivers a change that it has
// no state of, it loads the state, if load is not nil.
func New(notify func(registry.Event), load func(context.Context, contract.Key) (*mqrpcv1.Api, error)) *Feed {
	f := &Feed{
		notify:   notify,
		load:     load,
		done:     make(chan struct{}),
		followed: make(map[contract.Key]bool),
		queued:   make(map[contract.Key]bool),
	}
	f.ctx, f.cancel = context.WithCancel(context.Background())
	f.changed = sync.NewCond(&f.mu)
	go f.deliver()
	return f
}

// Follow makes the feed deliver an API's events. It fails once the feed is
// closed.
func (f *Feed) Follow(key contract.Key) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.closed {
		return registry.ErrClosed
	}
	f.followed[key] = true
	return nil
}

// Unfollow ends that.
func (f *Feed) Unfollow(key contract.Key) {
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.followed, key)
}

// Follows reports whether an API is followed.
func (f *Feed) Follows(key contract.Key) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.followed[key]
}

// Keys returns what is followed, in any order.
func (f *Feed) Keys() []contract.Key {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Collect(maps.Keys(f.followed))
}

// Changed delivers that an API has changed, once for all calls that come before
// its state is loaded.
func (f *Feed) Changed(key contract.Key) { f.send(item{event: registry.Event{Key: key}}) }

// Lost delivers that news may have been lost.
func (f *Feed) Lost() { f.send(item{}) }

// Send delivers a state. It calls done once, when that has happened or will not
// happen any more.
func (f *Feed) Send(api *mqrpcv1.Api, done func()) {
	f.send(item{event: registry.Event{Key: contract.KeyOf(api), API: api}, done: done})
}

func (f *Feed) send(i item) {
	f.mu.Lock()
	key := i.event.Key
	switch {
	case f.closed, !key.IsZero() && !f.followed[key]:
		f.mu.Unlock()
		i.finish()
		return
	case i.event.API == nil && f.queued[key]:
	default:
		if i.event.API == nil {
			f.queued[key] = true
		}
		f.queue = append(f.queue, i)
		f.changed.Signal()
	}
	f.mu.Unlock()
}

func (i item) finish() {
	if i.done != nil {
		i.done()
	}
}

// Close ends the feed. When it returns, notify has been called for the last
// time. Calling it again does nothing.
func (f *Feed) Close() {
	f.mu.Lock()
	f.closed = true
	f.changed.Signal()
	f.mu.Unlock()
	f.cancel()
	<-f.done
}

func (f *Feed) deliver() {
	defer close(f.done)
	for {
		i, ok := f.next()
		if !ok {
			return
		}
		if key := i.event.Key; key.IsZero() || f.Follows(key) {
			f.pass(i.event)
		}
		i.finish()
	}
}

// next waits for an item; false when the feed is closed.
func (f *Feed) next() (item, bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for len(f.queue) == 0 && !f.closed {
		f.changed.Wait()
	}
	if f.closed {
		for _, i := range f.queue {
			i.finish()
		}
		f.queue = nil
		return item{}, false
	}
	i := f.queue[0]
	f.queue[0] = item{}
	f.queue = f.queue[1:]
	if i.event.API == nil {
		delete(f.queued, i.event.Key)
	}
	return i, true
}

// pass loads the state that an event lacks. Where that fails, the receiver is
// told that there is one.
func (f *Feed) pass(event registry.Event) {
	if event.API == nil && !event.Key.IsZero() && f.load != nil {
		api, err := f.load(f.ctx, event.Key)
		switch {
		case errors.Is(err, registry.ErrNotFound), f.ctx.Err() != nil:
			return // nothing to tell
		case err == nil:
			event.API = api
		}
	}
	f.notify(event)
}
