package transporttest

import (
	"sync"
	"testing"
	"time"

	"github.com/mqrpc/mqrpc/runtime/transport"
)

// inbox keeps the deliveries of one or several consumers, in their order.
type inbox struct {
	t        *testing.T
	patience time.Duration

	mu       sync.Mutex
	unread   []*transport.Delivery
	received int
	arrived  chan struct{} // has room for one signal
}

func newInbox(f *fixture) *inbox {
	return &inbox{t: f.t, patience: f.Patience, arrived: make(chan struct{}, 1)}
}

// deliver is the function for Consume.
func (b *inbox) deliver(d *transport.Delivery) {
	b.mu.Lock()
	b.unread = append(b.unread, d)
	b.received++
	b.mu.Unlock()
	select {
	case b.arrived <- struct{}{}:
	default:
	}
}

// next waits for the next delivery.
func (b *inbox) next() *transport.Delivery {
	b.t.Helper()
	timeout := time.NewTimer(b.patience)
	defer timeout.Stop()
	for {
		b.mu.Lock()
		if len(b.unread) > 0 {
			d := b.unread[0]
			b.unread = b.unread[1:]
			b.mu.Unlock()
			return d
		}
		b.mu.Unlock()
		select {
		case <-b.arrived:
		case <-timeout.C:
			b.t.Fatalf("no message arrived within %v", b.patience)
		}
	}
}

// expect waits for the next delivery and checks its body and mark.
func (b *inbox) expect(body string, redelivered bool) *transport.Delivery {
	b.t.Helper()
	d := b.next()
	if string(d.Body) != body || d.Redelivered != redelivered {
		b.t.Fatalf("got message %.40q (redelivered: %v), want %q (%v)", d.Body, d.Redelivered, body, redelivered)
	}
	return d
}

// take waits for that many deliveries.
func (b *inbox) take(count int) []*transport.Delivery {
	b.t.Helper()
	taken := make([]*transport.Delivery, count)
	for i := range taken {
		taken[i] = b.next()
	}
	return taken
}

// count is the number of deliveries so far.
func (b *inbox) count() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.received
}

func ackAll(deliveries []*transport.Delivery) {
	for _, d := range deliveries {
		d.Settle.Ack()
	}
}
