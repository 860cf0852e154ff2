package transporttest

import (
	"errors"
	"time"

	"github.com/mqrpc/mqrpc/runtime/transport"
)

// expiring: messages and queues that expire. Time itself is the subject here,
// so these subtests wait for it.
var expiring = []check{
	{name: "an expired message is not delivered", run: messageExpires},
	{name: "a message that has time left is delivered", run: messageHasTime},
	{name: "a queue without consumers expires", run: queueExpires},
	{name: "a queue with a consumer does not expire", run: consumedQueueStays},
	{name: "a queue that is consumed again in time does not expire", run: consumedAgainStays},
}

func messageExpires(f *fixture) {
	c, queue := f.connect(), f.queue()
	c.declare(queue)
	expiring := message(queue, "expired")
	expiring.Expiration = 100 * time.Millisecond
	if err := c.publish(expiring).wait(); err != nil {
		f.t.Fatalf("Publish: %v", err)
	}
	c.send(queue, "next")
	<-time.After(3 * expiring.Expiration)
	box, _ := c.consume(queue)
	box.expect("next", false).Settle.Ack()
}

func messageHasTime(f *fixture) {
	c, queue := f.connect(), f.queue()
	c.declare(queue)
	m := message(queue, "in time")
	m.Expiration = time.Minute
	if err := c.publish(m).wait(); err != nil {
		f.t.Fatalf("Publish: %v", err)
	}
	box, _ := c.consume(queue)
	box.expect("in time", false).Settle.Ack()
}

func queueExpires(f *fixture) {
	c, queue := f.connect(), f.queue()
	queue.Expires = 300 * time.Millisecond
	began := time.Now()
	c.declare(queue)
	f.eventually("the queue has expired", func() bool {
		return errors.Is(c.publish(message(queue, "are you there?")).wait(), transport.ErrNoQueue)
	})
	if lived := time.Since(began); lived < queue.Expires {
		f.t.Errorf("the queue expired after %v, want %v", lived, queue.Expires)
	}
	box, _ := c.consume(queue) // a new one, without the old one's messages
	c.send(queue, "hello")
	box.expect("hello", false).Settle.Ack()
}

func consumedQueueStays(f *fixture) {
	c, queue := f.connect(), f.queue()
	queue.Expires = 200 * time.Millisecond
	box, first := c.consume(queue)
	second, _ := f.connect().consume(queue)
	f.stop(first)
	<-time.After(4 * queue.Expires)
	c.send(queue, "still here")
	second.expect("still here", false).Settle.Ack()
	if box.count() > 0 {
		f.t.Errorf("the stopped consumer got a message")
	}
}

func consumedAgainStays(f *fixture) {
	c, queue := f.connect(), f.queue()
	queue.Expires = 500 * time.Millisecond
	c.declare(queue)
	box, _ := c.consume(queue)
	<-time.After(2 * queue.Expires)
	c.send(queue, "still here")
	box.expect("still here", false).Settle.Ack()
}
