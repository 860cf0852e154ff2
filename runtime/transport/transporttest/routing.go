package transporttest

import (
	"errors"
	"strconv"
	"time"

	"github.com/mqrpc/mqrpc/runtime/transport"
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
	{name: "a queue has several bindings, and each message once", needs: []Feature{Wildcards}, run: severalBindings},
	{name: "an exclusive queue is its connection's alone", run: exclusiveQueue},
	{name: "messages say which account has sent them", run: accounts},
}

func noQueue(f *fixture) {
	c := f.connect()
	for _, exchange := range wire.Exchanges() {
		for _, hold := range []bool{false, true} {
			m := message(f.queue(), "for nobody")
			m.Exchange, m.Retry, m.Deadline = exchange, hold, time.Now().Add(time.Minute)
			m.Expiration = time.Minute
			f.promptly("the return", func() {
				if err := c.publish(m).wait(); !errors.Is(err, transport.ErrNoQueue) {
					f.t.Errorf("exchange %q, hold %v: %v, want %v", exchange, hold, err, transport.ErrNoQueue)
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
		if err := returned[i].wait(); !errors.Is(err, transport.ErrNoQueue) {
			f.t.Errorf("message %d for no queue: %v, want %v", i, err, transport.ErrNoQueue)
		}
		box.expect(strconv.Itoa(i), false).Settle.Ack()
	}
}

func otherExchange(f *fixture) {
	c, queue := f.connect(), f.queue()
	box, _ := c.consume(queue)
	m := message(queue, "to the other exchange")
	m.Exchange = wire.RepliesExchange
	if err := c.publish(m).wait(); !errors.Is(err, transport.ErrNoQueue) {
		f.t.Errorf("got %v, want %v", err, transport.ErrNoQueue)
	}
	c.send(queue, "to its own")
	box.expect("to its own", false).Settle.Ack()
}

func manyQueues(f *fixture) {
	publisher, receiver := f.connect(), f.connect()
	const queues, messages = 40, 10
	var named [queues]transport.Queue
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
	named := func(suffix string) transport.Queue {
		queue := prefix
		queue.Name += suffix
		return bound(queue, wire.CallsExchange, queue.Name)
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
	tapped, _ := f.connect().consume(tapOf(queue))
	for i := range after {
		exchange(before + i)
		d := tapped.expect(strconv.Itoa(before+i), false)
		d.Settle.Ack()
		if want := queue.Bindings[0]; d.Exchange != want.Exchange || d.RoutingKey != want.Key {
			f.t.Fatalf("the tap heard a message to %q with the key %q, want %q and %q", d.Exchange, d.RoutingKey, want.Exchange, want.Key)
		}
	}
}

// tapOf is a queue that hears what another one gets.
func tapOf(queue transport.Queue) transport.Queue {
	tap := queue
	tap.Name += "_tap"
	return bound(tap, queue.Bindings[0].Exchange, queue.Bindings[0].Key+".#")
}

func ownCopies(f *fixture) {
	c, queue := f.connect(), f.queue()
	tap := tapOf(queue)
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

func severalBindings(f *fixture) {
	c, queue := f.connect(), f.queue()
	queue.Bindings = []transport.Binding{
		{Exchange: wire.ControlExchange, Key: queue.Name + ".one"},
		{Exchange: wire.ControlExchange, Key: queue.Name + ".#"},
		{Exchange: wire.RepliesExchange, Key: queue.Name},
	}
	box, _ := c.consume(queue)
	for _, to := range [][2]string{
		{wire.ControlExchange, queue.Name + ".one"}, {wire.ControlExchange, queue.Name + ".two"}, {wire.RepliesExchange, queue.Name},
	} {
		m := message(queue, to[1])
		m.Exchange, m.RoutingKey = to[0], to[1]
		if err := c.publish(m).wait(); err != nil {
			f.t.Fatalf("Publish: %v", err)
		}
		box.expect(to[1], false).Settle.Ack()
	}
}

func exclusiveQueue(f *fixture) {
	owner, other, queue := f.connect(), f.connect(), f.queue()
	queue.Exclusive, queue.Expires = true, 0
	box, _ := owner.consume(queue)
	other.send(queue, "for the owner")
	box.expect("for the owner", false).Settle.Ack()
	f.promptly("the refusal of another's queue", func() {
		if _, err := other.Consume(f.context(), queue, func(*transport.Delivery) {}); err == nil {
			f.t.Error("another connection consumes an exclusive queue")
		}
	})
	other.send(queue, "the refusal disturbs nobody")
	box.expect("the refusal disturbs nobody", false).Settle.Ack()
	owner.close()
	f.eventually("the queue is gone", func() bool {
		return errors.Is(other.publish(message(queue, "for nobody")).wait(), transport.ErrNoQueue)
	})
}

func accounts(f *fixture) {
	c, queue := f.connect(), f.queue()
	box, _ := f.connect().consume(queue)
	c.send(queue, "who?")
	d := box.expect("who?", false)
	d.Settle.Ack()
	if c.User() == "" || d.UserID != c.User() {
		f.t.Errorf("the message is of the account %q, want %q", d.UserID, c.User())
	}
}
