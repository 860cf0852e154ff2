package memory

import (
	"slices"
	"sync"
	"time"

	"github.com/mqrpc/mqrpc/runtime"
)

// queue is one queue. Its name and arguments never change; the broker's mu
// guards its bindings, and its own mu the rest.
type queue struct {
	broker    *Broker
	id        uint64 // queues are locked in the order of their ids
	name      string
	quorum    bool
	lifetime  time.Duration // without a consumer; zero: for ever
	maxLength int           // one more waiting message pushes out the oldest; zero: the broker's limit
	bindings  map[[2]string]struct{}
	owner     *Transport // of an exclusive queue

	mu            sync.Mutex
	backlog       backlog
	lastSequence  uint64
	subscriptions []*subscription // by priority; among equals by whose turn it is
	holders       map[*subscription]struct{}
	removed       bool

	messageTimer bool // a timer runs for the expiry of the head
	idleTimer    *time.Timer
}

func newQueue(b *Broker, id uint64, declared *runtime.Queue) *queue {
	return &queue{
		broker: b, id: id,
		name: declared.Name, quorum: declared.Quorum,
		lifetime: declared.Expires, maxLength: declared.MaxLength,
		bindings: map[[2]string]struct{}{},
		holders:  map[*subscription]struct{}{},
	}
}

// accept takes a new message, or refuses it.
func (q *queue) accept(accepted *acceptedMessage) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	if !q.hasRoom(len(accepted.body)) {
		return runtime.ErrRefused
	}
	q.add(accepted)
	return nil
}

// hasRoom reports whether a message of that size may be added. q.mu is held, as
// in all that follow.
func (q *queue) hasRoom(size int) bool {
	if q.maxLength > 0 {
		return true // the oldest make room
	}
	fits := func() bool {
		return q.backlog.len() < q.broker.config.MaxMessages && q.backlog.bytes+size <= q.broker.config.MaxBytes
	}
	if fits() {
		return true
	}
	q.discardExpired()
	return fits()
}

// add takes a new message.
func (q *queue) add(accepted *acceptedMessage) {
	q.lastSequence++
	m := &message{acceptedMessage: *accepted, queue: q, sequence: q.lastSequence}
	if q.backlog.len() == 0 {
		if s := q.choose(); s != nil {
			s.take(m)
			return
		}
	}
	q.backlog.add(m)
	q.pushOut()
	q.watchHead()
}

// pushOut drops the oldest messages beyond the queue's own limit.
func (q *queue) pushOut() {
	if q.maxLength == 0 {
		return
	}
	for q.backlog.len() > q.maxLength || q.backlog.bytes > q.broker.config.MaxBytes {
		q.backlog.pop()
	}
}

// giveBack takes a message that is to be delivered again. The caller dispatches
// afterwards.
func (q *queue) giveBack(m *message) {
	if !q.removed {
		q.backlog.giveBack(m)
	}
}

// dispatch gives waiting messages to the consumers that may have more.
func (q *queue) dispatch() {
	for q.discardExpired(); q.backlog.len() > 0; q.discardExpired() {
		s := q.choose()
		if s == nil {
			q.watchHead()
			return
		}
		s.take(q.backlog.pop())
	}
}

// choose returns the consumer that the next message goes to, nil if none may
// have more: of those with the highest priority the one whose turn it is.
func (q *queue) choose() *subscription {
	for i, s := range q.subscriptions {
		if !s.ready() {
			continue
		}
		for ; i+1 < len(q.subscriptions) && q.subscriptions[i+1].priority == s.priority; i++ {
			q.subscriptions[i] = q.subscriptions[i+1]
		}
		q.subscriptions[i] = s
		return s
	}
	return nil
}

// subscribe adds a consumer.
func (q *queue) subscribe(s *subscription) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.stopIdleTimer()
	after := slices.IndexFunc(q.subscriptions, func(other *subscription) bool { return other.priority < s.priority })
	if after < 0 {
		after = len(q.subscriptions)
	}
	q.subscriptions = slices.Insert(q.subscriptions, after, s)
	q.holders[s] = struct{}{}
	q.dispatch()
}

// removable reports whether the queue is empty and unused.
func (q *queue) removable() bool {
	q.discardExpired()
	if q.quorum || len(q.subscriptions) > 0 || q.backlog.len() > 0 {
		return false
	}
	for s := range q.holders {
		if s.unsettled.count > 0 {
			return false
		}
	}
	return true
}

// drop empties the queue for good.
func (q *queue) drop() {
	q.removed = true
	q.backlog = backlog{}
	q.stopIdleTimer()
}

// halt is what the stop of the broker does to a queue, after all connections
// have gone.
func (q *queue) halt() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.stopIdleTimer()
	if !q.quorum {
		q.backlog = backlog{}
	}
}

// resume is what the start of the broker does to a queue.
func (q *queue) resume() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.startIdleTimer()
}
