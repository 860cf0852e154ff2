package memory

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/mqrpc/mqrpc/runtime"
)

// Transport is a connection to a [Broker]. It implements runtime.Transport and
// is safe for concurrent use. A transport that is not used any more must be
// closed, to end its consumers. Stop and Close wait for the deliver function that
// is running, so they must not be called from one.
type Transport struct {
	broker *Broker
	user   string

	mu        sync.RWMutex // publishing reads, everything else writes
	state     runtime.State
	changed   chan struct{} // closed and replaced when state changes
	closing   bool          // no new messages and consumers are taken
	closed    bool
	severed   int         // how many faults keep it from connecting
	consumers []*consumer // running, in the order of their Consume
	lingering []*consumer // stopped, with unsettled messages
	held      heldMessages
	watchers  []*watcher
}

var _ runtime.Transport = (*Transport)(nil)

// New returns a connection to a new broker with the default configuration.
// Further connections to the same broker come from [Transport.Broker].
func New() *Transport { return NewBroker(Config{}).Connect() }

func newTransport(b *Broker, user string) *Transport {
	return &Transport{
		broker:  b,
		user:    user,
		state:   runtime.State{Since: time.Now(), Err: errStopped},
		changed: make(chan struct{}),
	}
}

// Broker is the broker that the transport connects to.
func (t *Transport) Broker() *Broker { return t.broker }

// User implements runtime.Transport.
func (t *Transport) User() string { return t.user }

// Publish implements runtime.Transport. While there is a connection, done is
// called before Publish returns.
func (t *Transport) Publish(message runtime.Publishing, done func(error)) {
	if t.publishNow(&message, done) {
		return
	}
	t.hold(message, done)
}

// publishNow publishes if nothing stands in the way, and reports whether it did.
func (t *Transport) publishNow(message *runtime.Publishing, done func(error)) bool {
	t.mu.RLock()
	if t.closing || !t.passable() || !t.held.empty() {
		t.mu.RUnlock()
		return false
	}
	err := t.send(message)
	t.mu.RUnlock()
	done(err)
	return true
}

// passable reports whether the broker takes messages. t.mu is held.
func (t *Transport) passable() bool { return t.state.Connected && !t.state.Blocked }

// send gives a message to the broker. t.mu is held.
func (t *Transport) send(message *runtime.Publishing) error {
	if !message.Deadline.IsZero() && !time.Now().Before(message.Deadline) {
		return runtime.ErrExpired
	}
	return t.broker.publish(message, t.user)
}

// Close implements runtime.Transport. It returns an error if ctx ended before
// all messages were sent; done then gets runtime.ErrClosed for the rest.
// When it returns, done has been called for every message whose Publish
// returned before.
// Closing again does nothing but wait likewise.
func (t *Transport) Close(ctx context.Context) error {
	t.mu.Lock()
	t.closing = true
	t.announce()
	sent := t.held.whenIdle()
	t.mu.Unlock()

	var err error
	select {
	case <-sent:
	default:
		select {
		case <-sent:
		case <-ctx.Done():
			err = context.Cause(ctx)
		}
	}
	return errors.Join(err, t.end(ctx))
}

// end closes the connection and waits for its consumers.
func (t *Transport) end(ctx context.Context) error {
	t.mu.Lock()
	var failed outcomes
	if !t.closed {
		t.closed = true
		failed = t.failHeld(runtime.ErrClosed)
		t.disconnect()
		t.setState(runtime.State{Connects: t.state.Connects, Err: runtime.ErrClosed})
	}
	ended := slices.Concat(t.consumers, t.lingering)
	t.mu.Unlock()

	t.report(failed)
	t.tellWatchers()
	t.broker.forget(t)
	for _, c := range ended {
		if err := c.wait(ctx); err != nil {
			return err
		}
	}
	return nil
}
