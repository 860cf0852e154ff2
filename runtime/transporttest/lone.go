package transporttest

import (
	"errors"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/mqrpc/mqrpc/runtime"
)

// loneMessages: those whose fate may be told late.
var loneMessages = []check{
	{name: "lone messages arrive, and their fate is told", run: loneArrive},
	{name: "a missing queue is told at once for lone messages", run: loneReturned},
	{name: "the fate of lone messages is told while a tap listens", run: loneSettledUnderTap},
	{name: "Close waits for lone messages", run: loneDuringClose},
	{name: "done tells the truth about cuts among lone messages", needs: []Feature{Severing}, run: loneTruthful},
}

func lone(queue runtime.Queue, body string) runtime.Publishing {
	m := message(queue, body)
	m.Lone = true
	return m
}

func loneArrive(f *fixture) {
	c, queue, missing := f.connect(), f.queue(), f.queue()
	box, _ := f.connect().consume(queue)
	const rounds = 300
	var delivered, returned []*receipt
	for i := range rounds {
		delivered = append(delivered, c.publish(lone(queue, strconv.Itoa(i))))
		if i%7 == 0 {
			returned = append(returned, c.publish(lone(missing, "returned")))
		}
		if i%5 == 0 {
			delivered = append(delivered, c.publish(message(queue, "not alone")))
		}
	}
	next := 0
	for _, d := range box.take(len(delivered)) {
		d.Settle.Ack()
		switch string(d.Body) {
		case "not alone":
		case strconv.Itoa(next):
			next++
		default:
			f.t.Fatalf("message %q came when %d was due", d.Body, next)
		}
	}
	for _, r := range delivered {
		r.expect(nil)
	}
	for _, r := range returned {
		r.expect(runtime.ErrNoQueue)
	}
}

func loneReturned(f *fixture) {
	c, queue, missing := f.connect(), f.queue(), f.queue()
	c.declare(queue)
	for range 3 {
		before := c.publish(lone(queue, "delivered"))
		c.publish(lone(missing, "returned")).expect(runtime.ErrNoQueue)
		before.expect(nil)
	}
}

// loneSettledUnderTap: nothing that comes after the messages tells of them.
func loneSettledUnderTap(f *fixture) {
	queue := f.queue()
	tap := queue
	tap.Name += ".#"
	tapped, _ := f.connect().consume(tap)
	c := f.connect()
	c.declare(queue)
	var receipts []*receipt
	for range 10 {
		receipts = append(receipts, c.publish(lone(queue, "any")))
	}
	tapped.take(len(receipts))
	for _, r := range receipts {
		r.expect(nil)
	}
}

func loneDuringClose(f *fixture) {
	c, queue := f.connect(), f.queue()
	c.declare(queue)
	var receipts []*receipt
	for range 10 {
		receipts = append(receipts, c.publish(lone(queue, "any")))
	}
	c.close()
	for _, r := range receipts {
		if err := r.wait(); err != nil && !errors.Is(err, runtime.ErrClosed) {
			f.t.Errorf("a message published before Close: %v", err)
		}
	}
}

// loneTruthful cuts the publisher of messages that leave one by one, while it
// publishes.
func loneTruthful(f *fixture) {
	c, receiver, queue := f.connect(), f.connect(), f.queue()
	arrivals := make(chan string, 1<<16)
	receiver.consumeInto(queue, func(d *runtime.Delivery) {
		d.Settle.Ack()
		arrivals <- string(d.Body)
	})
	p := publisher{f: f, c: c, queue: queue, arrivals: arrivals, arrived: map[string]bool{}}
	var publishing sync.WaitGroup
	publishing.Go(p.run)
	const cuts, between = 5, 100
	for range cuts {
		before := p.published.Load()
		f.eventually("messages flow", func() bool { return p.published.Load() > before+between })
		f.cut(c)
	}
	p.stopped.Store(true)
	publishing.Wait()
	outcome := map[string]error{}
	for i, r := range p.receipts {
		outcome[strconv.Itoa(i)] = r.wait()
	}
	c.close()
	receiver.send(queue, "end")
	for body := range arrivals {
		if body == "end" {
			break
		}
		p.arrived[body] = true
	}
	f.checkTruth(outcome, p.arrived)
}

// publisher publishes each lone message when the one before has arrived or its
// fate is known.
type publisher struct {
	f         *fixture
	c         *connection
	queue     runtime.Queue
	arrivals  chan string
	published atomic.Int64
	stopped   atomic.Bool

	arrived  map[string]bool
	receipts []*receipt
}

func (p *publisher) run() {
	for !p.stopped.Load() {
		body := strconv.Itoa(len(p.receipts))
		r := p.c.publish(lone(p.queue, body))
		p.receipts = append(p.receipts, r)
		p.await(body, r)
		p.published.Add(1)
	}
}

func (p *publisher) await(body string, r *receipt) {
	timeout := time.NewTimer(p.f.Patience)
	defer timeout.Stop()
	for !p.arrived[body] {
		select {
		case other := <-p.arrivals:
			p.arrived[other] = true
		case <-r.done:
			return
		case <-timeout.C: // the receipt tells
			return
		}
	}
}
