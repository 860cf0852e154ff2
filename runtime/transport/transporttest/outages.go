package transporttest

import (
	"context"
	"errors"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/mqrpc/mqrpc/runtime/transport"
)

// outages: publishing over a broken connection.
var outages = []check{
	{name: "a held message survives an outage", needs: []Feature{Severing}, run: heldSurvives},
	{name: "held messages are sent in order, before later ones", needs: []Feature{Severing}, run: heldInOrder},
	{name: "a message without Retry survives a short outage", needs: []Feature{Severing}, run: shortOutage},
	{name: "a message without Retry fails when the grace is over", needs: []Feature{Severing}, run: longOutage},
	{name: "a deadline ends the wait for the connection", needs: []Feature{Severing}, run: deadlineInOutage},
	{name: "Close during an outage waits for the connection", needs: []Feature{Severing}, run: closeWaits},
	{name: "Close during an outage gives up when its context ends", needs: []Feature{Severing}, run: closeGivesUp},
	{name: "done tells the truth about a cut in traffic", needs: []Feature{Severing}, run: truthfulDone},
	{name: "done tells the truth about cuts among messages that leave one by one", needs: []Feature{Severing}, run: truthfulOneByOne},
}

// held is a message that waits through outages.
func held(queue transport.Queue, body string) transport.Publishing {
	m := message(queue, body)
	m.Retry, m.Deadline = true, time.Now().Add(time.Minute)
	return m
}

func heldSurvives(f *fixture) {
	c, receiver, queue := f.connect(), f.connect(), f.queue()
	box, _ := receiver.consume(queue)
	restore := f.sever(c)
	withDeadline := c.publish(held(queue, "with a deadline"))
	endless := held(queue, "without one")
	endless.Deadline = time.Time{}
	without := c.publish(endless)
	// Past the grace, which is not for these.
	f.eventually("the grace is over", func() bool { return time.Since(c.State().Since) > f.Grace*3/2 })
	if withDeadline.isDone() || without.isDone() {
		f.t.Fatal("done was called for a held message during an outage")
	}
	restore()
	for _, r := range []*receipt{withDeadline, without} {
		if err := r.wait(); err != nil {
			f.t.Errorf("a held message failed: %v", err)
		}
	}
	box.expect("with a deadline", false).Settle.Ack()
	box.expect("without one", false).Settle.Ack()
}

func heldInOrder(f *fixture) {
	c, receiver, queue := f.connect(), f.connect(), f.queue()
	box, _ := receiver.consume(queue)
	restore := f.sever(c)
	const messages = 200
	for i := range messages {
		c.publish(held(queue, strconv.Itoa(i)))
		if i == messages/2 {
			restore() // the rest comes while the connection returns
		}
	}
	for i := range messages {
		box.expect(strconv.Itoa(i), false).Settle.Ack()
	}
}

func shortOutage(f *fixture) {
	c, receiver, queue := f.connect(), f.connect(), f.queue()
	box, _ := receiver.consume(queue)
	restore := f.sever(c)
	began := c.State().Since
	r := c.publish(message(queue, "patient"))
	restore()
	err := r.wait()
	if took := time.Since(began); errors.Is(err, transport.ErrDisconnected) && took > f.Grace*9/10 {
		f.t.Skipf("the outage, meant to be short, took %v", took)
	}
	if err != nil {
		f.t.Fatalf("a message in a short outage failed: %v", err)
	}
	box.expect("patient", false).Settle.Ack()
}

func longOutage(f *fixture) {
	c, receiver, queue := f.connect(), f.connect(), f.queue()
	box, _ := receiver.consume(queue)
	restore := f.sever(c)
	began := time.Now()
	if err := c.publish(message(queue, "impatient")).wait(); !errors.Is(err, transport.ErrDisconnected) {
		f.t.Errorf("in a long outage: %v, want %v", err, transport.ErrDisconnected)
	}
	if took := time.Since(began); took > f.Grace+prompt {
		f.t.Errorf("a message failed after %v, with a grace of %v", took, f.Grace)
	}
	f.eventually("the grace is over", func() bool { return time.Since(c.State().Since) > f.Grace*3/2 })
	fastest := f.Patience // of several, since any one may be slow on a busy machine
	for range 5 {
		began = time.Now()
		if err := c.publish(message(queue, "late")).wait(); !errors.Is(err, transport.ErrDisconnected) {
			f.t.Errorf("late in a long outage: %v, want %v", err, transport.ErrDisconnected)
		}
		fastest = min(fastest, time.Since(began))
	}
	if fastest > f.Grace/2 {
		f.t.Errorf("messages late in an outage failed after %v, want at once", fastest)
	}
	restore()
	f.eventually("the connection is back", func() bool { return c.State().Connected })
	c.send(queue, "after")
	box.expect("after", false).Settle.Ack() // and none of those that failed
}

func deadlineInOutage(f *fixture) {
	c, receiver, queue := f.connect(), f.connect(), f.queue()
	box, _ := receiver.consume(queue)
	restore := f.sever(c)
	m := held(queue, "too late")
	m.Deadline = time.Now().Add(200 * time.Millisecond)
	f.promptly("the failure at the deadline", func() {
		if err := c.publish(m).wait(); !errors.Is(err, transport.ErrExpired) {
			f.t.Errorf("after the deadline: %v, want %v", err, transport.ErrExpired)
		}
	})
	if early := time.Until(m.Deadline); early > 0 {
		f.t.Errorf("the message failed %v before its deadline", early)
	}
	restore()
	if err := c.publish(held(queue, "after")).wait(); err != nil {
		f.t.Fatalf("Publish: %v", err)
	}
	box.expect("after", false).Settle.Ack()
}

func closeWaits(f *fixture) {
	c, receiver, queue := f.connect(), f.connect(), f.queue()
	box, _ := receiver.consume(queue)
	restore := f.sever(c)
	r := c.publish(held(queue, "sent by Close"))
	ctx, closed := f.context(), make(chan error, 1)
	go func() { closed <- c.Close(ctx) }()
	f.eventually("Close has begun", func() bool {
		return errors.Is(c.publish(message(queue, "refused")).wait(), transport.ErrClosed)
	})
	restore()
	if err := <-closed; err != nil {
		f.t.Errorf("Close: %v", err)
	}
	if err := r.wait(); err != nil {
		f.t.Fatalf("the held message: %v", err)
	}
	box.expect("sent by Close", false).Settle.Ack()
}

func closeGivesUp(f *fixture) {
	c, queue := f.connect(), f.queue()
	c.declare(queue)
	f.sever(c)
	r := c.publish(held(queue, "never sent"))
	f.promptly("Close", func() {
		ctx, cancel := context.WithTimeout(context.Background(), 100*time.Millisecond)
		defer cancel()
		_ = c.Close(ctx)
		if err := r.wait(); !errors.Is(err, transport.ErrClosed) {
			f.t.Errorf("a message that Close gave up: %v, want %v", err, transport.ErrClosed)
		}
	})
}

// truthfulDone cuts the publisher in mid-traffic: what is confirmed arrives,
// what failed for certain does not.
func truthfulDone(f *fixture) {
	c, receiver, queue := f.connect(), f.connect(), f.queue()
	box, _ := receiver.consume(queue)
	const messages, cuts = 600, 3
	var receipts [messages]*receipt
	for i := range messages {
		m := message(queue, strconv.Itoa(i))
		m.Retry = i%2 == 0
		receipts[i] = c.publish(m)
		if i%(messages/cuts) == messages/cuts/2 {
			f.cut(c)
		}
	}
	outcome := map[string]error{}
	for i, r := range receipts[:] {
		outcome[strconv.Itoa(i)] = r.wait()
	}
	c.close()
	receiver.send(queue, "end")
	arrived := map[string]bool{}
	for d := box.next(); string(d.Body) != "end"; d = box.next() {
		arrived[string(d.Body)] = true
		d.Settle.Ack()
	}
	f.checkTruth(outcome, arrived)
}

// truthfulOneByOne cuts the publisher of messages that leave one by one, while it
// publishes.
func truthfulOneByOne(f *fixture) {
	c, receiver, queue := f.connect(), f.connect(), f.queue()
	arrivals := make(chan string, 1<<16)
	receiver.consumeInto(queue, func(d *transport.Delivery) {
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

// publisher publishes each message when the one before has arrived or its
// fate is known.
type publisher struct {
	f         *fixture
	c         *connection
	queue     transport.Queue
	arrivals  chan string
	published atomic.Int64
	stopped   atomic.Bool

	arrived  map[string]bool
	receipts []*receipt
}

func (p *publisher) run() {
	for !p.stopped.Load() {
		body := strconv.Itoa(len(p.receipts))
		r := p.c.publish(message(p.queue, body))
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

// checkTruth compares what became of messages with what their publisher was told.
// Those that failed for certain did not arrive.
func (f *fixture) checkTruth(outcome map[string]error, arrived map[string]bool) {
	f.t.Helper()
	for body, err := range outcome {
		switch {
		case err == nil && !arrived[body]:
			f.t.Errorf("message %s was confirmed and did not arrive", body)
		case errors.Is(err, transport.ErrDisconnected) && arrived[body]:
			f.t.Errorf("message %s arrived, in spite of: %v", body, err)
		case err != nil && !errors.Is(err, transport.ErrDisconnected) && !errors.Is(err, transport.ErrLost):
			f.t.Errorf("message %s: %v, want nil, %v or %v", body, err, transport.ErrDisconnected, transport.ErrLost)
		}
	}
}
