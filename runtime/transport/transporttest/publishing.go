package transporttest

import (
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/mqrpc/mqrpc/runtime/transport"
)

// publishing: done, concurrency, deadlines.
var publishing = []check{
	{name: "done is called once for every message", run: doneOnce},
	{name: "many may publish at once, each in its order", run: concurrentPublishers},
	{name: "Publish and Close at once lose no done", run: publishDuringClose},
	{name: "a message whose deadline has passed is not sent", run: deadlinePassed},
}

func doneOnce(f *fixture) {
	c, queue, missing := f.connect(), f.queue(), f.queue()
	box, _ := c.consume(queue)
	const rounds = 100
	var receipts []*receipt
	for i := range rounds {
		receipts = append(receipts,
			c.publish(message(queue, "delivered")),
			c.publish(message(missing, "returned")))
		if i%10 == 0 {
			ackAll(box.take(1))
		}
	}
	c.close()
	receipts = append(receipts, c.publish(message(queue, "closed")))
	for _, r := range receipts {
		_ = r.wait() // the fixture checks that there is no second call
	}
}

func concurrentPublishers(f *fixture) {
	c, queue := f.connect(), f.queue()
	box, _ := f.connect().consume(queue)
	const publishers, messages = 8, 200
	var all sync.WaitGroup
	for p := range publishers {
		all.Go(func() {
			for i := range messages {
				c.publish(message(queue, fmt.Sprintf("%d %d", p, i)))
			}
		})
	}
	all.Wait()
	var next [publishers]int
	for _, d := range box.take(publishers * messages) {
		d.Settle.Ack()
		var p, i int
		if _, err := fmt.Sscanf(string(d.Body), "%d %d", &p, &i); err != nil {
			f.t.Fatalf("body %q: %v", d.Body, err)
		}
		if i != next[p] {
			f.t.Fatalf("publisher %d: message %d came when %d was due", p, i, next[p])
		}
		next[p]++
	}
}

func publishDuringClose(f *fixture) {
	c, queue := f.connect(), f.queue()
	c.declare(queue)
	const publishers, messages = 4, 200
	receipts := make(chan *receipt, publishers*messages)
	started := make(chan struct{}, publishers)
	var all sync.WaitGroup
	for range publishers {
		all.Go(func() {
			for i := range messages {
				receipts <- c.publish(message(queue, "any"))
				if i == messages/10 {
					started <- struct{}{}
				}
			}
		})
	}
	<-started
	c.close()
	all.Wait()
	close(receipts)
	for r := range receipts {
		if err := r.wait(); err != nil && !errors.Is(err, transport.ErrClosed) {
			f.t.Errorf("done got %v, want nil or %v", err, transport.ErrClosed)
		}
	}
}

func deadlinePassed(f *fixture) {
	c, queue := f.connect(), f.queue()
	box, _ := c.consume(queue)
	for _, hold := range []bool{false, true} {
		m := message(queue, "too late")
		m.Retry, m.Deadline = hold, time.Now().Add(-time.Second)
		f.promptly("an expired message", func() {
			if err := c.publish(m).wait(); !errors.Is(err, transport.ErrExpired) {
				f.t.Errorf("hold %v: %v, want %v", hold, err, transport.ErrExpired)
			}
		})
	}
	c.send(queue, "in time")
	box.expect("in time", false).Settle.Ack()
}
