package transporttest

import (
	"strconv"
	"sync/atomic"

	"github.com/mqrpc/mqrpc/runtime/transport"
)

// sharing: competing consumers and prefetch.
var sharing = []check{
	{name: "consumers of two connections share a queue", run: connectionsShare},
	{name: "consumers of one connection share a queue", run: consumersShare},
	{name: "a consumer that is full leaves messages to others", run: fullConsumer},
	{name: "prefetch limits the unsettled deliveries", run: prefetchLimits},
	{name: "settling lets further deliveries come", run: settlingResumes},
	{name: "no prefetch is no limit", run: noPrefetch},
}

func connectionsShare(f *fixture) { share(f, f.connect(), f.connect()) }

func consumersShare(f *fixture) {
	c := f.connect()
	share(f, c, c)
}

// share checks that two consumers get every message once, and that both get
// some: with as many messages as both may hold, each must get its half.
func share(f *fixture, one, other *connection) {
	const prefetch = 10
	queue := f.queue()
	queue.Prefetch = prefetch
	first, _ := one.consume(queue)
	second, _ := other.consume(queue)
	for i := range 2 * prefetch {
		one.publish(message(queue, strconv.Itoa(i)))
	}
	seen := map[string]bool{}
	for _, d := range append(first.take(prefetch), second.take(prefetch)...) {
		if seen[string(d.Body)] {
			f.t.Errorf("message %s was delivered twice", d.Body)
		}
		seen[string(d.Body)] = true
		d.Settle.Ack()
	}
}

func fullConsumer(f *fixture) {
	c, queue := f.connect(), f.queue()
	queue.Prefetch = 1
	full, _ := c.consume(queue)
	c.send(queue, "held")
	held := full.expect("held", false)
	free, _ := f.connect().consume(queue)
	for i := range 20 {
		c.send(queue, strconv.Itoa(i))
		free.expect(strconv.Itoa(i), false).Settle.Ack()
	}
	held.Settle.Ack()
}

func prefetchLimits(f *fixture) {
	const prefetch, messages = 5, 200
	c, queue := f.connect(), f.queue()
	queue.Prefetch = prefetch
	var unsettled, greatest atomic.Int32
	box := newInbox(f)
	c.consumeInto(queue, func(d *transport.Delivery) {
		greatest.Store(max(greatest.Load(), unsettled.Add(1)))
		box.deliver(d)
	})
	for i := range messages {
		c.publish(message(queue, strconv.Itoa(i)))
	}
	for range messages / prefetch {
		for _, d := range box.take(prefetch) { // all that may come
			unsettled.Add(-1)
			d.Settle.Ack()
		}
	}
	if greatest.Load() > prefetch {
		f.t.Errorf("%d deliveries were unsettled at a time, with a prefetch of %d", greatest.Load(), prefetch)
	}
}

func settlingResumes(f *fixture) {
	c, queue := f.connect(), f.queue()
	queue.Prefetch = 2
	box, _ := c.consume(queue)
	c.send(queue, "a", "b", "c", "d")
	a, b := box.expect("a", false), box.expect("b", false)
	if box.count() != 2 {
		f.t.Errorf("%d messages were delivered, with a prefetch of 2", box.count())
	}
	b.Settle.Ack()
	c1 := box.expect("c", false)
	a.Settle.Ack()
	box.expect("d", false).Settle.Ack()
	c1.Settle.Ack()
}

func noPrefetch(f *fixture) {
	c, queue := f.connect(), f.queue()
	box, _ := c.consume(queue)
	const messages = 3000
	for i := range messages {
		c.publish(message(queue, strconv.Itoa(i)))
	}
	ackAll(box.take(messages))
}
