package rabbitmq

import (
	"sync"
	"sync/atomic"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"
)

// settlement is what has become of one delivery.
type settlement struct {
	from    *source
	tag     uint64
	requeue bool
}

func (s settlement) write() {
	// A failure means that the channel has ended.
	if s.requeue {
		_ = s.from.channel.Nack(s.tag, false, true)
	} else {
		_ = s.from.channel.Ack(s.tag, false)
	}
	s.from.letGo()
}

// source is a channel that messages are consumed on. It is closed when the
// consumer has stopped and all that was delivered is settled: a connection has few
// channels.
type source struct {
	channel *amqp.Channel
	holds   atomic.Int64 // of the consumer, and of each delivery
}

func newSource(channel *amqp.Channel) *source {
	s := &source{channel: channel}
	s.holds.Store(1)
	return s
}

// letGo ends a hold.
func (s *source) letGo() {
	if s.holds.Add(-1) == 0 {
		go func() { _ = s.channel.Close() }() // it waits for the broker, or for the connection's end
	}
}

// settlements are those of one connection that wait to be written. An
// acknowledgement is in no hurry: it leaves with the next message, or with the
// others of a short while.
//
// Should the connection break before, the broker delivers again what was
// settled. The worker then answers a second time, or runs again what may be
// repeated, and the client knows that the call is over.
type settlements struct {
	poke func() // has the writer look

	mu      sync.Mutex
	waiting []settlement
	timer   *time.Timer // fires when they have waited long enough

	writing sync.Mutex // held while they are written, in their order
}

const (
	// settleDelay is how long acknowledgements wait.
	settleDelay = 2 * time.Millisecond
	// maxUnwritten bounds those that wait.
	maxUnwritten = 64
)

// add takes the settlement of a delivery to a consumer with that prefetch; zero
// is without a limit. With a small prefetch fewer wait, so that the broker goes
// on delivering.
func (s *settlements) add(settled settlement, prefetch int) {
	limit := maxUnwritten
	if prefetch > 0 {
		limit = min(limit, prefetch/4)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.waiting = append(s.waiting, settled)
	switch {
	case settled.requeue, len(s.waiting) >= limit:
		s.poke()
	case s.timer == nil:
		s.timer = time.AfterFunc(settleDelay, s.poke)
	case len(s.waiting) == 1:
		s.timer.Reset(settleDelay)
	}
}

// write writes all that wait.
func (s *settlements) write() {
	s.writing.Lock()
	defer s.writing.Unlock()
	s.mu.Lock()
	waiting := s.waiting
	s.waiting = nil
	s.mu.Unlock()
	for _, settled := range waiting {
		settled.write()
	}
}
