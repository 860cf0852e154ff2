package transporttest

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/mqrpc/mqrpc/runtime/transport"
)

// faults: the broker is stopped, or blocks publishers.
var faults = []check{
	{name: "all comes back after a restart of the broker", needs: []Feature{Restarting}, run: brokerRestarts},
	{name: "a quorum queue keeps its messages over a restart", needs: []Feature{Restarting, QuorumQueues}, run: quorumOutlivesRestart},
	{name: "a broker that blocks is told of, and ends", needs: []Feature{Blocking}, run: blockIsTold},
	{name: "a block fails messages at once, but not held ones", needs: []Feature{Blocking}, run: blockFails},
	{name: "the message that meets a block fails at once", needs: []Feature{Blocking}, run: meetsBlock},
	{name: "a deadline ends the wait for a block's end", needs: []Feature{Blocking}, run: deadlineInBlock},
}

// stopBroker stops the broker, waits until the connections have noticed, and
// returns what starts it. The end of the subtest starts it in any case.
func (f *fixture) stopBroker(connections ...*connection) (start func()) {
	f.t.Helper()
	start = sync.OnceFunc(func() { f.StartBroker(f.t) })
	f.t.Cleanup(start)
	f.StopBroker(f.t)
	for _, c := range connections {
		f.eventually("the transport notices the stop", func() bool { return !c.State().Connected })
	}
	return start
}

func brokerRestarts(f *fixture) {
	client, worker, queue := f.connect(), f.connect(), f.queue()
	box, _ := worker.consume(queue)
	before := worker.State().Connects
	start := f.stopBroker(client, worker)

	heldMessage := client.publish(held(queue, "held"))
	f.promptly("Consume without a broker", func() {
		ctx, cancel := context.WithTimeout(context.Background(), 100*time.Millisecond)
		defer cancel()
		if _, err := client.Consume(ctx, f.queue(), func(*transport.Delivery) {}); err == nil {
			f.t.Error("Consume succeeded without a broker")
		}
	})
	if err := client.publish(message(queue, "lost")).wait(); !errors.Is(err, transport.ErrDisconnected) {
		f.t.Errorf("without a broker: %v, want %v", err, transport.ErrDisconnected)
	}

	start()
	within(f.t, f.Recovery, "both connections are back", func() bool {
		return client.State().Connected && worker.State().Connected
	})
	if after := worker.State().Connects; after <= before {
		f.t.Errorf("Connects went from %d to %d over a restart", before, after)
	}
	if err := heldMessage.wait(); err != nil {
		f.t.Fatalf("the held message: %v", err)
	}
	within(f.t, f.Recovery, "the held message is delivered", func() bool { return box.count() > 0 })
	box.expect("held", false).Settle.Ack()
	client.send(queue, "next")
	box.expect("next", false).Settle.Ack()
}

func quorumOutlivesRestart(f *fixture) {
	c, queue := f.connect(), f.queue()
	queue.Quorum = true
	c.declare(queue)
	c.send(queue, "a", "b")
	f.stopBroker(c)()
	box, _ := c.consume(queue)
	box.expect("a", false).Settle.Ack()
	box.expect("b", false).Settle.Ack()
}

// block makes the broker block, and waits until the connection has noticed,
// which it may do only when it publishes. The end of the subtest unblocks.
func (f *fixture) block(c *connection, queue transport.Queue) (unblock func()) {
	f.t.Helper()
	unblock = sync.OnceFunc(func() { f.Block(f.t, false) })
	f.t.Cleanup(unblock)
	f.Block(f.t, true)
	f.eventually("the transport notices the block", func() bool {
		probe := c.publish(message(queue, "probe"))
		within(f.t, f.Patience, "the probe is done, or the block noticed", func() bool {
			return probe.isDone() || c.State().Blocked
		})
		return c.State().Blocked
	})
	return unblock
}

func blockIsTold(f *fixture) {
	c, queue := f.connect(), f.queue()
	c.declare(queue)
	log, stop := f.watch(c)
	defer stop()
	unblock := f.block(c, queue)
	blocked, index := log.first(0, "the broker blocks", func(s transport.State) bool { return s.Blocked })
	if !blocked.Connected {
		f.t.Error("a blocked connection is told of as lost")
	}
	unblock()
	log.first(index, "the broker takes messages again", func(s transport.State) bool { return !s.Blocked })
	c.send(queue, "after")
}

func blockFails(f *fixture) {
	c, receiver, queue := f.connect(), f.connect(), f.queue()
	box, _ := receiver.consume(queue)
	unblock := f.block(c, queue)
	f.promptly("a message for a broker that blocks", func() {
		if err := c.publish(message(queue, "fails")).wait(); !errors.Is(err, transport.ErrBlocked) {
			f.t.Errorf("while the broker blocks: %v, want %v", err, transport.ErrBlocked)
		}
	})
	heldMessage := c.publish(held(queue, "held"))
	<-time.After(f.Grace / 2)
	if heldMessage.isDone() {
		f.t.Errorf("done was called for a held message while the broker blocks: %v", heldMessage.err)
	}
	unblock()
	if err := heldMessage.wait(); err != nil {
		f.t.Fatalf("the held message: %v", err)
	}
	for {
		d := box.next()
		d.Settle.Ack()
		switch string(d.Body) {
		case "fails":
			f.t.Error("a message that failed was delivered")
		case "held":
			return
		}
	}
}

// meetsBlock: the first message that the broker does not take is how the
// connection learns of the block.
func meetsBlock(f *fixture) {
	c, queue := f.connect(), f.queue()
	c.declare(queue)
	c.send(queue, "before")
	f.Block(f.t, true)
	f.t.Cleanup(func() { f.Block(f.t, false) })
	f.promptly("messages for a broker that blocks", func() {
		f.eventually("one of them fails", func() bool {
			err := c.publish(message(queue, "any")).wait()
			if err != nil && !errors.Is(err, transport.ErrBlocked) {
				f.t.Fatalf("while the broker blocks: %v, want %v", err, transport.ErrBlocked)
			}
			return err != nil
		})
	})
}

func deadlineInBlock(f *fixture) {
	c, queue := f.connect(), f.queue()
	c.declare(queue)
	f.block(c, queue)
	m := held(queue, "too late")
	m.Deadline = time.Now().Add(200 * time.Millisecond)
	f.promptly("the failure at the deadline", func() {
		if err := c.publish(m).wait(); !errors.Is(err, transport.ErrExpired) {
			f.t.Errorf("after the deadline: %v, want %v", err, transport.ErrExpired)
		}
	})
}
