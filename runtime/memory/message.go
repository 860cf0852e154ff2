package memory

import (
	"bytes"
	"sync/atomic"
	"time"

	"github.com/mqrpc/mqrpc/runtime"
)

// acceptedMessage is what was published. It is not changed any more, so all
// queues and deliveries of a message share it; every receiver gets a copy of
// the body.
type acceptedMessage struct {
	exchange, routingKey string
	kind, replyTo, user  string
	body                 []byte
	expires              time.Time // zero: never
}

// expired reports whether the message may be delivered no more.
func (a *acceptedMessage) expired() bool {
	return !a.expires.IsZero() && !time.Now().Before(a.expires)
}

// The states of a message.
const (
	stateTaken   = iota // it waits, in its queue or in an inbox
	stateHanded         // its delivery was passed to the consumer
	stateSettled        // nothing can be done with it any more
)

// message is one stay of an accepted message in one queue, from its arrival to
// its settling. A message that returns to its queue is a new one, so that
// settling the old one has no effect.
type message struct {
	acceptedMessage
	queue       *queue
	sequence    uint64 // its place in the queue
	redelivered bool

	// state goes from taken to handed without a lock; to settled with queue.mu.
	state atomic.Int32

	holder         *subscription // who has to settle it
	previous, next *message      // in the holder's list of unsettled messages

	delivery runtime.Delivery
}

// hand makes the delivery for the consumer, nil if the message was taken back
// in the meantime.
func (m *message) hand(received time.Time) *runtime.Delivery {
	if !m.state.CompareAndSwap(stateTaken, stateHanded) {
		return nil
	}
	m.delivery = runtime.Delivery{
		Body:     bytes.Clone(m.body),
		Exchange: m.exchange, RoutingKey: m.routingKey,
		Type: m.kind, ReplyTo: m.replyTo, UserID: m.user,
		Redelivered: m.redelivered,
		Received:    received,
		Settle:      m,
	}
	return &m.delivery
}

// again is the message for its next stay in the queue.
func (m *message) again(redelivered bool) *message {
	return &message{
		acceptedMessage: m.acceptedMessage,
		queue:           m.queue,
		sequence:        m.sequence,
		redelivered:     m.redelivered || redelivered,
	}
}

// Ack implements runtime.Settler.
func (m *message) Ack() {
	q := m.queue
	q.mu.Lock()
	defer q.mu.Unlock()
	if m.state.CompareAndSwap(stateHanded, stateSettled) {
		m.holder.unsettled.remove(m)
		q.dispatch()
	}
}

// Requeue implements runtime.Settler.
func (m *message) Requeue() {
	q := m.queue
	q.mu.Lock()
	defer q.mu.Unlock()
	if m.state.CompareAndSwap(stateHanded, stateSettled) {
		m.holder.unsettled.remove(m)
		q.giveBack(m.again(true))
		q.dispatch()
	}
}
