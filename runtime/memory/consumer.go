package memory

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/mqrpc/mqrpc/runtime"
)

// consumer is a Consume, over all connections. Its transport's mu guards it.
type consumer struct {
	transport    *Transport
	queue        runtime.Queue
	deliver      func(*runtime.Delivery)
	subscription *subscription // for the present or the last connection
}

// Consume implements runtime.Transport.
func (t *Transport) Consume(
	ctx context.Context, queue runtime.Queue, deliver func(*runtime.Delivery),
) (runtime.Consumer, error) {
	if err := checkQueue(&queue); err != nil {
		return nil, err
	}
	c := &consumer{transport: t, queue: queue, deliver: deliver}
	err := t.whileConnected(ctx, func() error {
		if t.closing {
			return runtime.ErrClosed
		}
		if err := c.subscribe(); err != nil {
			return err
		}
		t.consumers = append(t.consumers, c)
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("consume queue %q: %w", queue.Name, err)
	}
	return c, nil
}

func checkQueue(queue *runtime.Queue) error {
	switch {
	case queue.Name == "":
		return errors.New("consume: the queue has no name")
	case queue.Prefetch < 0 || queue.Expires < 0 || queue.MaxLength < 0:
		return fmt.Errorf("consume queue %q: the prefetch %d, the expiry %v or the maximal length %d is negative",
			queue.Name, queue.Prefetch, queue.Expires, queue.MaxLength)
	}
	return nil
}

// whileConnected waits for a connection and calls do with t.mu held.
func (t *Transport) whileConnected(ctx context.Context, do func() error) error {
	for {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		t.mu.Lock()
		if t.closed {
			t.mu.Unlock()
			return runtime.ErrClosed
		}
		if t.state.Connected {
			err := do()
			t.mu.Unlock()
			return err
		}
		changed := t.changed
		t.mu.Unlock()
		select {
		case <-changed:
		case <-ctx.Done():
			return fmt.Errorf("%w: %w", runtime.ErrDisconnected, context.Cause(ctx))
		}
	}
}

// subscribe begins to consume on a new connection. The transport's mu is held.
func (c *consumer) subscribe() error {
	s, err := c.transport.broker.subscribe(&c.queue, c.transport, c.deliver)
	if err != nil {
		return err
	}
	var previous <-chan struct{}
	if c.subscription != nil {
		previous = c.subscription.done
	}
	c.subscription = s
	s.start(previous)
	return nil
}

// Stop implements runtime.Consumer. Messages that the transport has taken and
// not yet delivered go back to the queue. Stopping again does nothing.
func (c *consumer) Stop(ctx context.Context) error {
	t := c.transport
	t.mu.Lock()
	if i := slices.Index(t.consumers, c); i >= 0 {
		t.consumers = slices.Delete(t.consumers, i, i+1)
		c.subscription.withdraw()
		c.subscription.returnUnread()
		if t.state.Connected {
			t.lingering = append(t.lingering, c)
		}
	}
	t.forgetSettled()
	t.mu.Unlock()
	return c.wait(ctx)
}

// forgetSettled forgets the stopped consumers whose messages are all settled.
// t.mu is held.
func (t *Transport) forgetSettled() {
	if t.closed {
		return // Close may still wait for them
	}
	t.lingering = slices.DeleteFunc(t.lingering, func(c *consumer) bool {
		return c.subscription.forgetIfSettled()
	})
}

// wait waits until the deliver function has returned for the last time.
func (c *consumer) wait(ctx context.Context) error {
	c.transport.mu.RLock()
	done := c.subscription.done
	c.transport.mu.RUnlock()
	select {
	case <-done:
		return nil
	default:
	}
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("queue %q: a delivery is still running: %w", c.queue.Name, context.Cause(ctx))
	}
}

// Remove implements runtime.Consumer. It waits for a connection as long as ctx
// lasts. Messages that were delivered and are not settled count as well.
func (c *consumer) Remove(ctx context.Context) (removed bool, err error) {
	err = c.transport.whileConnected(ctx, func() error {
		removed = c.transport.broker.remove(c.queue.Name)
		return nil
	})
	if err != nil {
		return false, fmt.Errorf("remove queue %q: %w", c.queue.Name, err)
	}
	return removed, nil
}
