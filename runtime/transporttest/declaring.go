package transporttest

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/mqrpc/mqrpc/runtime"
)

// declaring: the errors of Consume, and kinds of queues.
var declaring = []check{
	{name: "a queue with another expiry fails at once", run: otherExpiry},
	{name: "a queue with another maximal length fails at once", run: otherLength},
	{name: "a full queue drops its oldest messages", run: fullQueue},
	{name: "a queue of another kind fails at once", needs: []Feature{QuorumQueues}, run: otherKind},
	{name: "a queue is declared again with equal arguments", run: declareAgain},
	{name: "Consume after Close fails", run: consumeAfterClose},
	{name: "a quorum queue keeps the contract", needs: []Feature{QuorumQueues}, run: quorumQueue},
}

// expectRefusal checks that Consume fails at once, not because of its context,
// and leaves the connection working.
func expectRefusal(f *fixture, c *connection, queue runtime.Queue) {
	f.t.Helper()
	f.promptly("the refusal of a queue", func() {
		_, err := c.Consume(f.context(), queue, func(*runtime.Delivery) {})
		switch {
		case err == nil:
			f.t.Errorf("Consume of a queue that has other arguments succeeded")
		case errors.Is(err, context.DeadlineExceeded), errors.Is(err, runtime.ErrDisconnected):
			f.t.Errorf("Consume failed for the wrong reason: %v", err)
		}
	})
	working := f.queue()
	box, _ := c.consume(working)
	c.send(working, "works")
	box.expect("works", false).Settle.Ack()
}

func otherExpiry(f *fixture) {
	c, queue := f.connect(), f.queue()
	box, _ := c.consume(queue)
	for _, expires := range []time.Duration{0, 2 * queueLife} {
		other := queue
		other.Expires = expires
		expectRefusal(f, c, other)
		expectRefusal(f, f.connect(), other)
	}
	c.send(queue, "not disturbed")
	box.expect("not disturbed", false).Settle.Ack()
}

func otherLength(f *fixture) {
	c, queue := f.connect(), f.queue()
	queue.MaxLength = 3
	c.declare(queue)
	for _, length := range []int{0, 4} {
		other := queue
		other.MaxLength = length
		expectRefusal(f, c, other)
	}
}

func fullQueue(f *fixture) {
	c, queue := f.connect(), f.queue()
	queue.MaxLength = 3
	c.declare(queue)
	c.send(queue, "1", "2", "3", "4", "5")
	box, _ := c.consume(queue)
	for _, body := range []string{"3", "4", "5"} {
		box.expect(body, false).Settle.Ack()
	}
	c.send(queue, "6")
	box.expect("6", false).Settle.Ack()
}

func otherKind(f *fixture) {
	c, queue := f.connect(), f.queue()
	c.declare(queue)
	queue.Quorum = true
	expectRefusal(f, c, queue)
}

func declareAgain(f *fixture) {
	c, queue := f.connect(), f.queue()
	c.declare(queue)
	c.send(queue, "kept")
	queue.Prefetch = 7 // these belong to the consumer, not to the queue
	queue.Latest = true
	box, _ := c.consume(queue)
	box.expect("kept", false).Settle.Ack()
}

func consumeAfterClose(f *fixture) {
	c := f.connect()
	c.close()
	f.promptly("Consume after Close", func() {
		if _, err := c.Consume(f.context(), f.queue(), func(*runtime.Delivery) {}); err == nil {
			f.t.Error("Consume after Close succeeded")
		}
	})
}

func quorumQueue(f *fixture) {
	for name, run := range map[string]func(f *fixture, c *connection, queue runtime.Queue){
		"requeue": func(_ *fixture, c *connection, queue runtime.Queue) {
			box, _ := c.consume(queue)
			c.send(queue, "a")
			box.expect("a", false).Settle.Requeue()
			box.expect("a", true).Settle.Ack()
		},
		"Remove spares it": func(f *fixture, c *connection, queue runtime.Queue) {
			_, consumer := c.consume(queue)
			f.stop(consumer)
			removed, err := consumer.Remove(f.context())
			if removed || err != nil {
				f.t.Errorf("Remove: %v, %v; want false, nil", removed, err)
			}
			c.send(queue, "still there")
		},
	} {
		f.t.Run(name, func(t *testing.T) {
			inner := newFixture(t, f.Harness)
			queue := inner.queue()
			queue.Quorum, queue.Prefetch = true, 10
			run(inner, inner.connect(), queue)
		})
	}
}
