package transporttest

import (
	"context"
	"fmt"
	"strconv"
	"sync"
	"time"

	"github.com/mqrpc/mqrpc/runtime/transport"
)

// cutting: consumers over a broken connection.
var cutting = []check{
	{name: "consumers come back after a cut", needs: []Feature{Severing}, run: consumersReturn},
	{name: "unsettled messages come again after a cut, marked", needs: []Feature{Severing}, run: unsettledReturn},
	{name: "a delivery that outlasts a cut is not overlapped", needs: []Feature{Severing}, run: longDelivery},
	{name: "another connection gets the unsettled messages of a cut one", needs: []Feature{Severing}, run: unsettledMove},
	{name: "the queue keeps what comes during an outage", needs: []Feature{Severing}, run: queueOutlives},
	{name: "the consumer of an Owned queue that returned goes before older ones", needs: []Feature{Severing}, run: ownerReturns},
	{name: "an exclusive queue is there again when the connection is", needs: []Feature{Severing}, run: exclusiveReturns},
	{name: "Consume waits for the connection", needs: []Feature{Severing}, run: consumeWaits},
	{name: "Consume gives up when its context ends", needs: []Feature{Severing}, run: consumeGivesUp},
	{name: "Stop during an outage lasts", needs: []Feature{Severing}, run: stopInOutage},
	{name: "a cut loses no message and acknowledges none", needs: []Feature{Severing}, run: cutInTraffic},
}

// sever breaks a connection, waits until that is noticed, and returns what
// restores it. The end of the subtest restores it in any case.
func (f *fixture) sever(c *connection) (restore func()) {
	f.t.Helper()
	restore = sync.OnceFunc(f.Sever(f.t, c.Transport))
	f.t.Cleanup(restore)
	f.eventually("the transport notices the cut", func() bool { return !c.State().Connected })
	return restore
}

// cut breaks a connection and waits until it is back.
func (f *fixture) cut(c *connection) {
	f.t.Helper()
	f.sever(c)()
	f.eventually("the connection is back", func() bool { return c.State().Connected })
}

func consumersReturn(f *fixture) {
	publisher, receiver := f.connect(), f.connect()
	queues := [3]transport.Queue{f.queue(), f.queue(), f.queue()}
	var boxes [len(queues)]*inbox
	for i, queue := range queues {
		boxes[i], _ = receiver.consume(queue)
	}
	for round := range 3 {
		f.cut(receiver)
		for i, queue := range queues {
			publisher.send(queue, strconv.Itoa(round))
			d := boxes[i].next()
			for ; d.Redelivered; d = boxes[i].next() { // the cut has caught its acknowledgement
				d.Settle.Ack()
			}
			if string(d.Body) != strconv.Itoa(round) {
				f.t.Fatalf("got message %q, want %d", d.Body, round)
			}
			d.Settle.Ack()
		}
	}
}

func unsettledReturn(f *fixture) {
	publisher, queue := f.connect(), f.queue()
	queue.Prefetch = 2
	receiver := f.connect()
	box, _ := receiver.consume(queue)
	publisher.send(queue, "a", "b", "c")
	a, b := box.expect("a", false), box.expect("b", false)
	f.cut(receiver)
	a.Settle.Ack() // both belong to the broken connection: nothing happens
	b.Settle.Requeue()
	againA, againB := box.expect("a", true), box.expect("b", true)
	a, b = againA, againB
	a.Settle.Ack()
	b.Settle.Ack()
	box.expect("c", false).Settle.Ack()
	publisher.send(queue, "d")
	box.expect("d", false).Settle.Ack()
}

// longDelivery cuts the connection while deliver runs: the message comes again,
// but only when deliver has returned.
func longDelivery(f *fixture) {
	publisher, queue := f.connect(), f.queue()
	receiver := f.connect()
	entered, release := make(chan bool, 2), make(chan struct{})
	free := sync.OnceFunc(func() { close(release) })
	f.t.Cleanup(free)
	receiver.consumeInto(queue, func(d *transport.Delivery) {
		entered <- d.Redelivered
		<-release
		d.Settle.Ack()
	})
	publisher.send(queue, "long")
	<-entered
	f.cut(receiver)
	// While this consumer gets its message, the first one would get its own.
	other := f.queue()
	box, _ := receiver.consume(other)
	publisher.send(other, "a")
	box.expect("a", false).Settle.Ack()
	if len(entered) > 0 {
		f.t.Error("deliver was called while it was running")
	}
	free()
	if redelivered := <-entered; !redelivered {
		f.t.Error("the message came again without the mark")
	}
}

func unsettledMove(f *fixture) {
	publisher, queue := f.connect(), f.queue()
	dying := f.connect()
	box, _ := dying.consume(queue)
	publisher.send(queue, "a", "b")
	a, b := box.expect("a", false), box.expect("b", false)
	second, _ := publisher.consume(queue)
	restore := f.sever(dying)
	a.Settle.Ack()
	b.Settle.Requeue()
	second.expect("a", true).Settle.Ack()
	second.expect("b", true).Settle.Ack()
	restore()
}

func queueOutlives(f *fixture) {
	publisher, queue := f.connect(), f.queue()
	receiver := f.connect()
	box, _ := receiver.consume(queue)
	restore := f.sever(receiver)
	publisher.send(queue, "a", "b")
	restore()
	// The broker may have noticed the cut only after a first try to deliver, so
	// the messages may be marked as redelivered.
	for _, want := range []string{"a", "b"} {
		d := box.next()
		if string(d.Body) != want {
			f.t.Fatalf("got message %.40q, want %q", d.Body, want)
		}
		d.Settle.Ack()
	}
}

func ownerReturns(f *fixture) {
	publisher, queue := f.connect(), f.queue()
	queue.Owned = true
	owner, stale := f.connect(), f.connect()
	box, _ := owner.consume(queue)
	staleBox, _ := stale.consume(queue)
	f.cut(owner)
	publisher.send(queue, "where am I?") // finds out who consumes, before the count
	select {
	case <-staleBox.arrived:
		f.t.Fatal("the older consumer got a message")
	case <-box.arrived:
	case <-time.After(f.Patience):
		f.t.Fatal("nobody got the message")
	}
	box.expect("where am I?", false).Settle.Ack()
	for i := range 50 {
		publisher.send(queue, strconv.Itoa(i))
		box.expect(strconv.Itoa(i), false).Settle.Ack()
	}
	if staleBox.count() > 0 {
		f.t.Errorf("the older consumer got %d messages", staleBox.count())
	}
}

// exclusiveReturns: who asks on a new connection, or says that news may have been
// lost until then, must hear everything from then on.
func exclusiveReturns(f *fixture) {
	publisher, owner, queue := f.connect(), f.connect(), f.queue()
	queue.Exclusive, queue.Expires = true, 0
	box, _ := owner.consume(queue)
	for i := range 10 {
		f.cut(owner)
		if err := publisher.publish(message(queue, strconv.Itoa(i))).wait(); err != nil {
			f.t.Fatalf("Publish after cut %d: %v", i, err)
		}
		box.expect(strconv.Itoa(i), false).Settle.Ack()
	}
}

func consumeWaits(f *fixture) {
	publisher, c, queue := f.connect(), f.connect(), f.queue()
	restore := f.sever(c)
	box := newInbox(f)
	ctx, consumed := f.context(), make(chan error, 1)
	go func() {
		_, err := c.Consume(ctx, queue, box.deliver)
		consumed <- err
	}()
	restore()
	if err := <-consumed; err != nil {
		f.t.Fatalf("Consume: %v", err)
	}
	publisher.send(queue, "hello")
	box.expect("hello", false).Settle.Ack()
}

func consumeGivesUp(f *fixture) {
	c, queue := f.connect(), f.queue()
	restore := f.sever(c)
	f.promptly("Consume without a connection", func() {
		ctx, cancel := context.WithTimeout(context.Background(), 100*time.Millisecond)
		defer cancel()
		if _, err := c.Consume(ctx, queue, func(*transport.Delivery) {}); err == nil {
			f.t.Error("Consume succeeded without a connection")
		}
	})
	restore()
	box, _ := c.consume(queue) // nothing is left of the first one, which would take turns
	c.send(queue, "a", "b")
	box.expect("a", false).Settle.Ack()
	box.expect("b", false).Settle.Ack()
}

func stopInOutage(f *fixture) {
	publisher, c, queue := f.connect(), f.connect(), f.queue()
	box, consumer := c.consume(queue)
	restore := f.sever(c)
	f.promptly("Stop without a connection", func() { f.stop(consumer) })
	restore()
	f.eventually("the connection is back", func() bool { return c.State().Connected })
	other, _ := publisher.consume(queue)
	publisher.send(queue, "a", "b")
	other.expect("a", false).Settle.Ack()
	other.expect("b", false).Settle.Ack()
	if box.count() > 0 {
		f.t.Error("a stopped consumer came back after an outage")
	}
}

// cutInTraffic cuts the receiver again and again while messages flow: each must
// arrive, and be marked if it was delivered before.
func cutInTraffic(f *fixture) {
	publisher, queue := f.connect(), f.queue()
	queue.Prefetch = 20
	receiver := f.connect()
	box, _ := receiver.consume(queue)
	const messages, cuts = 600, 3
	seen := map[string]bool{}
	for i := range messages {
		publisher.publish(message(queue, fmt.Sprint(i)))
		if i%(messages/cuts) == messages/cuts/2 {
			f.cut(receiver)
		}
	}
	for len(seen) < messages {
		d := box.next()
		if seen[string(d.Body)] && !d.Redelivered {
			f.t.Errorf("message %s came twice and is not marked", d.Body)
		}
		seen[string(d.Body)] = true
		d.Settle.Ack()
	}
}
