package transporttest

import (
	"errors"
	"strconv"
	"time"

	"github.com/mqrpc/mqrpc/runtime"
	"github.com/mqrpc/mqrpc/wire"
)

// routing: exchanges, wildcards, messages for no queue.
var routing = []check{
	{name: "a message for no queue is returned at once", run: noQueue},
	{name: "a message is returned to its own publisher alone", run: noQueueAmongOthers},
	{name: "a queue gets nothing from other exchanges", run: otherExchange},
	{name: "many queues get what is theirs", run: manyQueues},
	{name: "wildcards in a queue's name listen to others", needs: []Feature{Wildcards}, run: wildcards},
	{name: "a tap hears every message from the moment it is bound", needs: []Feature{Wildcards}, run: tapHearsAll},
	{name: "every queue has its own copy", needs: []Feature{Wildcards}, run: ownCopies},
	{name: "the registry's exchange leads to every queue", run: fanout},
}

func noQueue(f *fixture) {
	c := f.connect()
	for _, exchange := range []string{wire.CallExchange, wire.ReplyExchange} {
		for _, hold := range []bool{false, true} {
			m := message(f.queue(), "for nobody")
			m.Exchange, m.Hold, m.Deadline = exchange, hold, time.Now().Add(time.Minute)
			m.Expiration = time.Minute
			f.promptly("the return", func() {
				if err := c.publish(m).wait(); !errors.Is(err, runtime.ErrNoQueue) {
					f.t.Errorf("exchange %q, hold %v: %v, want %v", exchange, hold, err, runtime.ErrNoQueue)
				}
			})
		}
	}
}

func noQueueAmongOthers(f *fixture) {
	c, queue, missing := f.connect(), f.queue(), f.queue()
	box, _ := c.consume(queue)
	const pairs = 200
	var delivered, returned [pairs]*receipt
	for i := range pairs {
		delivered[i] = c.publish(message(queue, strconv.Itoa(i)))
		returned[i] = c.publish(message(missing, strconv.Itoa(i)))
	}
	for i := range pairs {
		if err := delivered[i].wait(); err != nil {
			f.t.Errorf("message %d: %v", i, err)
		}
		if err := returned[i].wait(); !errors.Is(err, runtime.ErrNoQueue) {
			f.t.Errorf("message %d for no queue: %v, want %v", i, err, runtime.ErrNoQueue)
		}
		box.expect(strconv.Itoa(i), false).Settle.Ack()
	}
}

func otherExchange(f *fixture) {
	c, queue := f.connect(), f.queue()
	box, _ := c.consume(queue)
	m := message(queue, "to the other exchange")
	m.Exchange = wire.ReplyExchange
	if err := c.publish(m).wait(); !errors.Is(err, runtime.ErrNoQueue) {
		f.t.Errorf("got %v, want %v", err, runtime.ErrNoQueue)
	}
	c.send(queue, "to its own")
	box.expect("to its own", false).Settle.Ack()
}

func manyQueues(f *fixture) {
	publisher, receiver := f.connect(), f.connect()
	const queues, messages = 40, 10
	var named [queues]runtime.Queue
	var boxes [queues]*inbox
	for i := range queues {
		named[i] = f.queue()
		boxes[i], _ = receiver.consume(named[i])
	}
	for n := range messages {
		for i := range queues {
			publisher.publish(message(named[i], strconv.Itoa(i*messages+n)))
		}
	}
	for i := range queues {
		for n := range messages {
			boxes[i].expect(strconv.Itoa(i*messages+n), false).Settle.Ack()
		}
	}
}

func wildcards(f *fixture) {
	c, prefix := f.connect(), f.queue()
	named := func(suffix string) runtime.Queue {
		queue := prefix
		queue.Name += suffix
		return queue
	}
	one, _ := c.consume(named(".*"))
	all, _ := c.consume(named(".#"))
	exact, _ := c.consume(named(".a"))
	for _, suffix := range []string{"", ".a", ".a.b"} {
		c.send(named(suffix), suffix)
	}
	for _, body := range []string{"", ".a", ".a.b"} {
		all.expect(body, false).Settle.Ack()
	}
	one.expect(".a", false).Settle.Ack()
	exact.expect(".a", false).Settle.Ack()
	c.send(named(".a"), "last") // what else they got would be before it
	one.expect("last", false).Settle.Ack()
	exact.expect("last", false).Settle.Ack()
	all.expect("last", false).Settle.Ack()
}

// tapHearsAll: the messages come one by one, as those of a single caller do.
func tapHearsAll(f *fixture) {
	c, queue := f.connect(), f.queue()
	box, _ := f.connect().consume(queue)
	const before, after = 200, 200
	exchange := func(i int) {
		c.send(queue, strconv.Itoa(i))
		box.expect(strconv.Itoa(i), false).Settle.Ack()
	}
	for i := range before {
		exchange(i)
	}
	tap := queue
	tap.Name += ".#"
	tapped, _ := f.connect().consume(tap)
	for i := range after {
		exchange(before + i)
		d := tapped.expect(strconv.Itoa(before+i), false)
		d.Settle.Ack()
		if d.Exchange != queue.Exchange || d.RoutingKey != queue.Name {
			f.t.Fatalf("the tap heard a message to %q with the key %q, want %q and %q", d.Exchange, d.RoutingKey, queue.Exchange, queue.Name)
		}
	}
}

func ownCopies(f *fixture) {
	c, queue := f.connect(), f.queue()
	tap := queue
	tap.Name += ".#"
	box, _ := c.consume(queue)
	tapped, _ := c.consume(tap)
	c.send(queue, "as sent")
	first := box.expect("as sent", false)
	copy(first.Body, "changed")
	first.Settle.Ack()
	tapped.expect("as sent", false).Settle.Requeue()
	tapped.expect("as sent", true).Settle.Ack()
	c.send(queue, "next")
	box.expect("next", false).Settle.Ack()
}

func fanout(f *fixture) {
	publisher, listener := f.connect(), f.connect()
	queues := [3]runtime.Queue{f.queue(), f.queue(), f.queue()}
	var boxes [len(queues)]*inbox
	for i := range queues {
		queues[i].Exchange = wire.RegistryExchange
		boxes[i], _ = listener.consume(queues[i])
	}
	for _, key := range []string{"", "any.key", queues[0].Name} {
		m := message(queues[0], "to all, by "+key+" of "+queues[0].Name)
		m.RoutingKey, m.Type = key, "test.fanout"
		if err := publisher.publish(m).wait(); err != nil {
			f.t.Fatalf("Publish: %v", err)
		}
		for _, box := range boxes {
			box.await(string(m.Body)).Settle.Ack()
		}
	}
}
