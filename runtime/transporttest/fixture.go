package transporttest

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/mqrpc/mqrpc/runtime"
	"github.com/mqrpc/mqrpc/wire"
)

// fixture is what a subtest works with.
type fixture struct {
	*Harness
	t *testing.T
}

func newFixture(t *testing.T, h *Harness) *fixture { return &fixture{Harness: h, t: t} }

// queueLife is how long the suite's queues outlive their consumers, so that
// none is left on a shared broker.
const queueLife = time.Minute

// queue returns a queue with a name of its own.
func (f *fixture) queue() runtime.Queue {
	name := fmt.Sprintf("test_transport_%016x", rand.Uint64())
	return bound(runtime.Queue{Name: name, Expires: queueLife}, wire.CallsExchange, name)
}

// bound is the queue with that binding alone.
func bound(queue runtime.Queue, exchange, key string) runtime.Queue {
	queue.Bindings = []runtime.Binding{{Exchange: exchange, Key: key}}
	return queue
}

// context returns a context for what must happen.
func (f *fixture) context() context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), f.Patience)
	f.t.Cleanup(cancel)
	return ctx
}

// eventually waits until a condition holds.
func (f *fixture) eventually(what string, condition func() bool) {
	f.t.Helper()
	within(f.t, f.Patience, what, condition)
}

// within waits until a condition holds, for at most limit.
func within(t *testing.T, limit time.Duration, what string, condition func() bool) {
	t.Helper()
	const interval = 2 * time.Millisecond
	for deadline := time.Now().Add(limit); !condition(); {
		if time.Now().After(deadline) {
			t.Fatalf("not within %v: %s", limit, what)
		}
		<-time.After(interval)
	}
}

// promptly fails the test if do takes longer than what "at once" means.
func (f *fixture) promptly(what string, do func()) {
	f.t.Helper()
	began := time.Now()
	do()
	if took := time.Since(began); took > prompt {
		f.t.Errorf("%s took %v, want at most %v", what, took, prompt)
	}
}

// connection is a transport under test, which counts the calls of done.
type connection struct {
	runtime.Transport
	f *fixture

	mu       sync.Mutex
	receipts []*receipt
}

// connect returns a new connection that is closed, and whose receipts are
// checked, at the end of the subtest.
func (f *fixture) connect() *connection {
	f.t.Helper()
	c := &connection{Transport: f.Connect(f.t), f: f}
	f.t.Cleanup(func() {
		c.close()
		c.checkReceipts()
	})
	f.eventually("the connection is there", func() bool { return c.State().Connected })
	return c
}

func (c *connection) close() {
	c.f.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), c.f.Patience)
	defer cancel()
	if err := c.Close(ctx); err != nil {
		c.f.t.Errorf("Close: %v", err)
	}
}

// consume consumes a queue into a new inbox.
func (c *connection) consume(queue runtime.Queue) (*inbox, runtime.Consumer) {
	c.f.t.Helper()
	box := newInbox(c.f)
	return box, c.consumeInto(queue, box.deliver)
}

func (c *connection) consumeInto(queue runtime.Queue, deliver func(*runtime.Delivery)) runtime.Consumer {
	c.f.t.Helper()
	consumer, err := c.Consume(c.f.context(), queue, deliver)
	if err != nil {
		c.f.t.Fatalf("Consume: %v", err)
	}
	return consumer
}

// declare makes a queue that nobody consumes.
func (c *connection) declare(queue runtime.Queue) {
	c.f.t.Helper()
	_, consumer := c.consume(queue)
	c.f.stop(consumer)
}

func (f *fixture) stop(consumer runtime.Consumer) {
	f.t.Helper()
	if err := consumer.Stop(f.context()); err != nil {
		f.t.Fatalf("Stop: %v", err)
	}
}

// receipt is what done was called with.
type receipt struct {
	f     *fixture
	calls atomic.Int32
	err   error
	done  chan struct{} // closed by the first call
}

// message is a message for a queue.
func message(queue runtime.Queue, body string) runtime.Publishing {
	return runtime.Publishing{
		Exchange: queue.Bindings[0].Exchange, RoutingKey: queue.Bindings[0].Key, Type: wire.TypeCall, Body: []byte(body),
	}
}

// publish publishes a message.
func (c *connection) publish(m runtime.Publishing) *receipt {
	r := &receipt{f: c.f, done: make(chan struct{})}
	c.mu.Lock()
	c.receipts = append(c.receipts, r)
	c.mu.Unlock()
	c.Publish(m, func(err error) {
		if r.calls.Add(1) == 1 {
			r.err = err
			close(r.done)
		}
	})
	return r
}

// send publishes messages to a queue, one after the other.
func (c *connection) send(queue runtime.Queue, bodies ...string) {
	c.f.t.Helper()
	for _, body := range bodies {
		if err := c.publish(message(queue, body)).wait(); err != nil {
			c.f.t.Fatalf("Publish: %v", err)
		}
	}
}

// wait waits for the outcome of a message.
func (r *receipt) wait() error {
	r.f.t.Helper()
	select {
	case <-r.done:
		return r.err
	case <-time.After(r.f.Patience):
		r.f.t.Fatalf("done was not called within %v", r.f.Patience)
		return nil
	}
}

// isDone reports whether done was called.
func (r *receipt) isDone() bool { return r.calls.Load() > 0 }

// checkReceipts checks that done was called once for every message. The
// connection is closed.
func (c *connection) checkReceipts() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for i, r := range c.receipts {
		if calls := r.calls.Load(); calls != 1 {
			c.f.t.Errorf("done was called %d times for message %d of %d", calls, i+1, len(c.receipts))
		}
	}
}
