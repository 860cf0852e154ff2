package transporttest

import (
	"testing"
	"time"

	"github.com/mqrpc/mqrpc/runtime/transport"
)

// declaring: the errors of Consume, and kinds of queues.
var declaring = []check{
	{name: "a queue with another expiry is used as it is", run: otherExpiry},
	{name: "a queue with another maximal length is used as it is", run: otherLength},
	{name: "a full queue drops its oldest messages", run: fullQueue},
	{name: "a queue of another kind is used as it is", needs: []Feature{QuorumQueues}, run: otherKind},
	{name: "a queue is declared again with equal arguments", run: declareAgain},
	{name: "Consume after Close fails", run: consumeAfterClose},
	{name: "a quorum queue keeps the contract", needs: []Feature{QuorumQueues}, run: quorumQueue},
}

// expectAsItIs checks that a queue is consumed that exists with other arguments
// than it is declared with.
func expectAsItIs(f *fixture, c *connection, queue transport.Queue) {
	f.t.Helper()
	f.promptly("consuming a queue that exists", func() {
		box, consumer := c.consume(queue)
		c.send(queue, "works")
		box.expect("works", false).Settle.Ack()
		f.stop(consumer)
	})
}

func otherExpiry(f *fixture) {
	c, queue := f.connect(), f.queue()
	c.declare(queue)
	for _, expires := range []time.Duration{0, 2 * queueLife} {
		other := queue
		other.Expires = expires
		expectAsItIs(f, c, other)
		expectAsItIs(f, f.connect(), other)
	}
}

func otherLength(f *fixture) {
	c, queue := f.connect(), f.queue()
	queue.MaxLength = 3
	c.declare(queue)
	other := queue
	other.MaxLength = 4
	expectAsItIs(f, c, other)
	c.send(queue, "1", "2", "3", "4")
	box, _ := c.consume(other)
	box.expect("2", false).Settle.Ack() // the length is still 3
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
	expectAsItIs(f, c, queue)
}

func declareAgain(f *fixture) {
	c, queue := f.connect(), f.queue()
	c.declare(queue)
	c.send(queue, "kept")
	queue.Prefetch = 7 // these belong to the consumer, not to the queue
	queue.Owned = true
	box, _ := c.consume(queue)
	box.expect("kept", false).Settle.Ack()
}

func consumeAfterClose(f *fixture) {
	c := f.connect()
	c.close()
	f.promptly("Consume after Close", func() {
		if _, err := c.Consume(f.context(), f.queue(), func(*transport.Delivery) {}); err == nil {
			f.t.Error("Consume after Close succeeded")
		}
	})
}

func quorumQueue(f *fixture) {
	for name, run := range map[string]func(f *fixture, c *connection, queue transport.Queue){
		"requeue": func(_ *fixture, c *connection, queue transport.Queue) {
			box, _ := c.consume(queue)
			c.send(queue, "a")
			box.expect("a", false).Settle.Requeue()
			box.expect("a", true).Settle.Ack()
		},
		"Remove spares it": func(f *fixture, c *connection, queue transport.Queue) {
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
