package memory

import (
	"slices"
	"time"

	"github.com/mqrpc/mqrpc/runtime/transport"
)

// maxInbox is how many messages the broker sends ahead to a consumer that does
// not take them, whatever its prefetch. In RabbitMQ the buffers of the
// connection set such a limit.
const maxInbox = 1000

// subscription is a consumer as the broker sees it: on one queue, for the time
// of one connection. The queue's mu guards its variable fields.
type subscription struct {
	queue    *queue
	prefetch int
	priority uint64 // on an Owned queue; newer consumers have higher ones
	deliver  func(*transport.Delivery)

	inbox     []*message  // taken, and not yet fetched by run
	unsettled messageList // taken, and not yet settled
	withdrawn bool

	wake chan struct{} // has room for one signal
	done chan struct{} // closed when run has returned
}

func newSubscription(q *queue, prefetch int, deliver func(*transport.Delivery)) *subscription {
	return &subscription{
		queue: q, prefetch: prefetch, deliver: deliver,
		wake: make(chan struct{}, 1), done: make(chan struct{}),
	}
}

// ready reports whether the consumer may have another message.
func (s *subscription) ready() bool {
	return (s.prefetch == 0 || s.unsettled.count < s.prefetch) && len(s.inbox) < maxInbox
}

// take gives the consumer a message.
func (s *subscription) take(m *message) {
	m.holder = s
	s.unsettled.add(m)
	s.inbox = append(s.inbox, m)
	if len(s.inbox) == 1 {
		s.signal()
	}
}

func (s *subscription) signal() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// run delivers messages until the subscription is withdrawn. It begins when
// previous is closed, so that a consumer's deliveries never overlap.
func (s *subscription) run(previous <-chan struct{}) {
	defer close(s.done)
	if previous != nil {
		<-previous
	}
	for batch := s.fetch(nil); batch != nil; batch = s.fetch(batch) {
		received := time.Now()
		for i, m := range batch {
			batch[i] = nil
			if delivery := m.hand(received); delivery != nil {
				s.deliver(delivery)
			}
		}
	}
}

// fetch waits for messages and returns them, nil at the end. It may use the
// memory of an earlier batch.
func (s *subscription) fetch(used []*message) []*message {
	for {
		s.queue.mu.Lock()
		switch {
		case s.withdrawn:
			s.queue.mu.Unlock()
			return nil
		case len(s.inbox) > 0:
			batch := s.inbox
			s.inbox = used[:0]
			s.queue.dispatch() // into the room that has become free
			s.queue.mu.Unlock()
			return batch
		}
		s.queue.mu.Unlock()
		<-s.wake
	}
}

// withdraw ends the flow of messages to the consumer. What it has been given
// stays with it.
func (s *subscription) withdraw() {
	q := s.queue
	q.mu.Lock()
	defer q.mu.Unlock()
	if s.withdrawn {
		return
	}
	s.withdrawn = true
	q.subscriptions = slices.DeleteFunc(q.subscriptions, func(other *subscription) bool { return other == s })
	if s.queue.broker.running.Load() {
		q.startIdleTimer()
	}
	s.signal()
}

// returnUnread puts back what has not been passed to the consumer.
func (s *subscription) returnUnread() {
	s.giveBack(stateTaken)
}

// returnAll puts back all that is not settled, and forgets the consumer.
func (s *subscription) returnAll() {
	s.giveBack(stateTaken, stateHanded)
	s.queue.mu.Lock()
	defer s.queue.mu.Unlock()
	delete(s.queue.holders, s)
}

func (s *subscription) giveBack(states ...int32) {
	q := s.queue
	q.mu.Lock()
	defer q.mu.Unlock()
	for m := s.unsettled.first; m != nil; {
		next := m.next
		for _, state := range states {
			if m.state.CompareAndSwap(state, stateSettled) {
				s.unsettled.remove(m)
				q.giveBack(m.again(state == stateHanded))
				break
			}
		}
		m = next
	}
	s.inbox = nil
	q.dispatch()
}

// forgetIfSettled forgets the consumer if nothing of it is unsettled, and
// reports whether so.
func (s *subscription) forgetIfSettled() bool {
	s.queue.mu.Lock()
	defer s.queue.mu.Unlock()
	if s.unsettled.count > 0 {
		return false
	}
	delete(s.queue.holders, s)
	return true
}

// start runs the subscription in a goroutine of its own.
func (s *subscription) start(previous <-chan struct{}) { go s.run(previous) }

// messageList is a doubly linked list, through the messages themselves.
type messageList struct {
	first, last *message
	count       int
}

func (l *messageList) add(m *message) {
	m.previous = l.last
	if l.last != nil {
		l.last.next = m
	} else {
		l.first = m
	}
	l.last = m
	l.count++
}

func (l *messageList) remove(m *message) {
	if m.previous != nil {
		m.previous.next = m.next
	} else {
		l.first = m.next
	}
	if m.next != nil {
		m.next.previous = m.previous
	} else {
		l.last = m.previous
	}
	m.previous, m.next = nil, nil
	l.count--
}
