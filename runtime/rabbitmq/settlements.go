package rabbitmq

import (
	"sync"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"
)

// settlements are the acknowledgements and requeues of one connection that wait
// to be written. Acknowledgements wait a short while, because one frame can hold
// many, and the broker has to do with each before what follows it.
//
// Should the connection break before, the broker delivers again what was
// settled. The worker then answers a second time, or runs again what may be
// repeated, and the client knows that the call is over.
type settlements struct {
	errand errand

	// writing is held while frames are written: those of a channel must not
	// overtake each other.
	writing sync.Mutex

	mu       sync.Mutex
	channels map[*amqp.Channel]*channelSettlements
	frames   []settlement // memory for take, guarded by writing as well
}

type channelSettlements struct {
	acknowledgements
	requeues []uint64
}

const (
	// settleDelay is how long acknowledgements wait.
	settleDelay = 2 * time.Millisecond
	// maxUnwritten bounds the acknowledgements of a channel that wait; with a
	// small prefetch fewer do, so that the broker goes on delivering.
	maxUnwritten = 64
)

// add takes the settlement of a delivery on a channel with that prefetch; zero
// is without a limit.
func (s *settlements) add(channel *amqp.Channel, prefetch int, tag uint64, requeue bool) {
	s.mu.Lock()
	settled := s.channels[channel]
	if settled == nil {
		if s.channels == nil {
			s.channels = map[*amqp.Channel]*channelSettlements{}
		}
		settled = &channelSettlements{}
		s.channels[channel] = settled
	}
	if requeue {
		settled.requeues = append(settled.requeues, tag)
		settled.settle(tag)
	} else {
		settled.add(tag)
	}
	limit := maxUnwritten
	if prefetch > 0 {
		limit = min(limit, prefetch/4)
	}
	due := requeue || len(settled.pending) >= limit
	s.mu.Unlock()
	if due {
		s.errand.now()
	} else {
		s.errand.soon()
	}
}

// writeDue writes all of them if it is time to.
func (s *settlements) writeDue() {
	if s.errand.take() {
		s.write()
	}
}

// write writes all of them.
func (s *settlements) write() {
	s.writing.Lock()
	defer s.writing.Unlock()
	for _, frame := range s.take() {
		// A failure means that the channel has ended.
		if frame.requeue {
			_ = frame.channel.Nack(frame.tag, false, true)
		} else {
			_ = frame.channel.Ack(frame.tag, frame.multiple)
		}
	}
}

// settlement is one frame.
type settlement struct {
	channel           *amqp.Channel
	tag               uint64
	multiple, requeue bool
}

func (s *settlements) take() []settlement {
	s.mu.Lock()
	defer s.mu.Unlock()
	frames := s.frames[:0]
	for channel, settled := range s.channels {
		if channel.IsClosed() {
			delete(s.channels, channel) // the broker delivers the rest again by itself
			continue
		}
		for _, tag := range settled.requeues {
			frames = append(frames, settlement{channel: channel, tag: tag, requeue: true})
		}
		settled.requeues = settled.requeues[:0]
		settled.flush(func(tag uint64, multiple bool) {
			frames = append(frames, settlement{channel: channel, tag: tag, multiple: multiple})
		})
	}
	s.frames = frames
	return frames
}
