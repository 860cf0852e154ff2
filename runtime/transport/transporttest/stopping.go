package transporttest

import (
	"errors"
	"strconv"

	"github.com/mqrpc/mqrpc/runtime/transport"
)

// stopping: Stop, Remove and Close.
var stopping = []check{
	{name: "no delivery comes after Stop", run: stopEndsDeliveries},
	{name: "what was delivered before Stop can be settled after it", run: settleAfterStop},
	{name: "Remove deletes a queue that is empty and unused", run: removeDeletes},
	{name: "Remove spares a queue with messages", run: removeSparesMessages},
	{name: "Remove spares a queue in use", run: removeSparesUsed},
	{name: "Close sends what was published before", run: closeFlushes},
	{name: "Close sends settlements after the messages published before them", run: closeFlushesSettlements},
	{name: "Publish after Close fails", run: publishAfterClose},
	{name: "Close ends consumers", run: closeEndsConsumers},
}

func stopEndsDeliveries(f *fixture) {
	publisher, queue := f.connect(), f.queue()
	box, consumer := f.connect().consume(queue)
	const messages = 1000
	for i := range messages {
		publisher.publish(message(queue, strconv.Itoa(i)))
	}
	first := box.next() // Stop comes into the middle of the stream
	f.stop(consumer)
	stopped := box.count()
	rest, _ := publisher.consume(queue)
	first.Settle.Ack()
	ackAll(box.take(stopped - 1))
	ackAll(rest.take(messages - stopped))
	if count := box.count(); count != stopped {
		f.t.Errorf("%d messages were delivered after Stop", count-stopped)
	}
}

func settleAfterStop(f *fixture) {
	publisher, queue := f.connect(), f.queue()
	receiver := f.connect()
	box, consumer := receiver.consume(queue)
	publisher.send(queue, "a", "b")
	a, b := box.expect("a", false), box.expect("b", false)
	f.stop(consumer)
	a.Settle.Ack()
	b.Settle.Requeue()
	receiver.close()
	second, _ := publisher.consume(queue)
	second.expect("b", true).Settle.Ack()
}

// lasting is a queue that only Remove deletes.
func (f *fixture) lasting() transport.Queue {
	queue := f.queue()
	queue.Expires = 0
	return queue
}

// remove stops a consumer and removes its queue.
func (f *fixture) remove(consumer transport.Consumer, want bool) {
	f.t.Helper()
	f.stop(consumer)
	removed, err := consumer.Remove(f.context())
	if removed != want || err != nil {
		f.t.Errorf("Remove: %v, %v; want %v, nil", removed, err, want)
	}
}

func removeDeletes(f *fixture) {
	c, queue := f.connect(), f.lasting()
	box, consumer := c.consume(queue)
	c.send(queue, "a")
	box.expect("a", false).Settle.Ack()
	f.remove(consumer, true)
	if err := c.publish(message(queue, "b")).wait(); !errors.Is(err, transport.ErrNoQueue) {
		f.t.Errorf("after Remove: %v, want %v", err, transport.ErrNoQueue)
	}
	again, consumer := c.consume(queue)
	c.send(queue, "c")
	again.expect("c", false).Settle.Ack()
	f.remove(consumer, true)
}

func removeSparesMessages(f *fixture) {
	c, queue := f.connect(), f.lasting()
	_, consumer := c.consume(queue)
	f.stop(consumer)
	c.send(queue, "waits")
	f.remove(consumer, false)
	box, consumer := c.consume(queue)
	box.expect("waits", false).Settle.Ack()
	f.remove(consumer, true)
}

func removeSparesUsed(f *fixture) {
	c, queue := f.connect(), f.lasting()
	_, leaving := c.consume(queue)
	box, staying := f.connect().consume(queue)
	f.remove(leaving, false)
	c.send(queue, "a")
	box.expect("a", false).Settle.Ack()
	f.remove(staying, true)
}

func closeFlushes(f *fixture) {
	receiver, queue := f.connect(), f.queue()
	box, _ := receiver.consume(queue)
	publisher := f.connect()
	const messages = 1000
	var receipts [messages]*receipt
	for i := range messages {
		receipts[i] = publisher.publish(message(queue, strconv.Itoa(i)))
	}
	publisher.close()
	for i, r := range receipts[:] {
		if !r.isDone() || r.wait() != nil {
			f.t.Fatalf("message %d is not confirmed after Close: %v", i, r.err)
		}
	}
	for i := range messages {
		box.expect(strconv.Itoa(i), false).Settle.Ack()
	}
}

// closeFlushesSettlements is a worker that stops in mid-traffic: a call that is
// acknowledged has been answered.
func closeFlushesSettlements(f *fixture) {
	client, calls, replies := f.connect(), f.queue(), f.queue()
	worker := f.connect()
	answered, _ := client.consume(replies)
	box, _ := worker.consume(calls)
	const messages = 300
	for i := range messages {
		client.publish(message(calls, strconv.Itoa(i)))
	}
	for _, d := range box.take(messages) {
		worker.publish(message(replies, string(d.Body)))
		d.Settle.Ack()
	}
	worker.close()
	for i := range messages {
		answered.expect(strconv.Itoa(i), false).Settle.Ack()
	}
	client.send(calls, "next")
	left, _ := client.consume(calls)
	left.expect("next", false).Settle.Ack()
}

func publishAfterClose(f *fixture) {
	c, queue := f.connect(), f.queue()
	c.declare(queue)
	c.close()
	for _, hold := range []bool{false, true} {
		m := message(queue, "too late")
		m.Retry = hold
		f.promptly("Publish after Close", func() {
			if err := c.publish(m).wait(); !errors.Is(err, transport.ErrClosed) {
				f.t.Errorf("Publish after Close: %v, want %v", err, transport.ErrClosed)
			}
		})
	}
}

func closeEndsConsumers(f *fixture) {
	publisher, queue := f.connect(), f.queue()
	closed := f.connect()
	box, _ := closed.consume(queue)
	closed.close()
	publisher.send(queue, "a")
	second, _ := publisher.consume(queue)
	second.expect("a", false).Settle.Ack()
	if box.count() > 0 {
		f.t.Error("a message was delivered after Close")
	}
}
