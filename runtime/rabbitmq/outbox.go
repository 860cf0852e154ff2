package rabbitmq

import (
	"slices"
	"sync"
	"time"

	"github.com/mqrpc/mqrpc/runtime/transport"
)

// outgoing is a message with the function that learns its outcome. done is nil
// once it has been called.
type outgoing struct {
	transport.Publishing
	done func(error)
	// breaks counts the connections that broke while the message was sent and
	// not confirmed.
	breaks int
}

// maxBreaks is the number of connections that a held message may break with. A
// broker closes the connection on a message that it does not want, for example
// one larger than its limit; without a bound it would be sent for ever.
const maxBreaks = 5

// outcome is a call of a done function that waits until no lock is held.
type outcome struct {
	done func(error)
	err  error
}

type outcomes []outcome

func (o *outcomes) add(message *outgoing, err error) {
	if message.done != nil {
		*o = append(*o, outcome{message.done, err})
		message.done = nil
	}
}

func (o outcomes) tell() {
	for _, outcome := range o {
		outcome.done(outcome.err)
	}
}

// outbox holds every message from Publish until its outcome is known. It
// outlives the connections.
//
// A message is in waiting until it is taken to be written, then in sent, in the
// order of the connection's publish tags, until the broker confirms it. When the
// connection breaks, sent is emptied: held messages go back to the head of
// waiting, all others are lost.
type outbox struct {
	grace      time.Duration
	maxBacklog int
	wake       chan struct{} // tells the writer that there is something to do

	mu      sync.Mutex
	waiting []outgoing
	bytes   int // of the bodies in waiting
	sent    []outgoing
	lastTag uint64 // of the messages sent on this connection
	up      bool
	blocked bool
	since   time.Time // when up last changed
	closed  bool
	idle    chan struct{} // closed when nothing waits or is sent; nil if nobody asks
}

func newOutbox(grace time.Duration, maxBacklog int) *outbox {
	return &outbox{grace: grace, maxBacklog: maxBacklog, wake: make(chan struct{}, 1), since: time.Now()}
}

// put takes a message in, or returns why not.
func (o *outbox) put(message outgoing) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	if err := o.refusal(&message); err != nil {
		return err
	}
	o.waiting = append(o.waiting, message)
	o.bytes += len(message.Body)
	o.poke()
	return nil
}

func (o *outbox) refusal(message *outgoing) error {
	switch {
	case o.closed:
		return transport.ErrClosed
	case o.bytes+len(message.Body) > o.maxBacklog && len(o.waiting) > 0:
		return transport.ErrBacklog
	}
	return o.unready(message, time.Now())
}

// unready is why a message must not wait any longer, nil if it may.
func (o *outbox) unready(message *outgoing, now time.Time) error {
	switch {
	case message.Retry || (o.up && !o.blocked):
		return nil
	case o.blocked:
		return transport.ErrBlocked
	case now.Sub(o.since) >= o.grace:
		return transport.ErrDisconnected
	}
	return nil
}

func (o *outbox) poke() {
	select {
	case o.wake <- struct{}{}:
	default:
	}
}

// next moves the next message from waiting to sent, and returns it with its
// publish tag. It passes over those whose deadline is over.
func (o *outbox) next(now time.Time) (message transport.Publishing, tag uint64, ok bool) {
	var expired outcomes
	defer func() { expired.tell() }()
	o.mu.Lock()
	defer o.mu.Unlock()
	for o.up && !o.blocked && len(o.waiting) > 0 {
		out := pop(&o.waiting)
		o.bytes -= len(out.Body)
		if over(&out, now) {
			expired.add(&out, transport.ErrExpired)
			continue
		}
		o.sent = append(o.sent, out)
		o.lastTag++
		return out.Publishing, o.lastTag, true
	}
	o.signalIdle()
	return transport.Publishing{}, 0, false
}

// pop takes the oldest message out, and lets go of what it refers to.
func pop(queue *[]outgoing) outgoing {
	out := (*queue)[0]
	(*queue)[0] = outgoing{}
	*queue = (*queue)[1:]
	return out
}

func over(message *outgoing, now time.Time) bool {
	return !message.Deadline.IsZero() && now.After(message.Deadline)
}

// confirm takes the oldest sent message out and tells its outcome.
func (o *outbox) confirm(err error) {
	o.mu.Lock()
	if len(o.sent) == 0 { // a broker that confirms what was never sent
		o.mu.Unlock()
		return
	}
	out := pop(&o.sent)
	o.signalIdle()
	o.mu.Unlock()
	if out.done != nil {
		out.done(err)
	}
}

// connected lets messages go out.
func (o *outbox) connected() {
	o.mu.Lock()
	o.up, o.blocked, o.since, o.lastTag = true, false, time.Now(), 0
	o.mu.Unlock()
	o.poke()
}

// disconnected ends what was under way on a connection that broke.
func (o *outbox) disconnected() {
	var told outcomes
	defer func() { told.tell() }()
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.up {
		o.up, o.blocked, o.since = false, false, time.Now()
	}
	var again []outgoing
	for _, out := range o.sent {
		out.breaks++
		switch {
		case !out.Retry || out.breaks >= maxBreaks:
			told.add(&out, transport.ErrLost)
		default:
			again = append(again, out)
			o.bytes += len(out.Body)
		}
	}
	o.sent = nil
	o.waiting = append(again, o.waiting...)
	o.signalIdle()
}

// underWayError is the outcome of a message that was sent before the broker's
// block was known: the broker may have read it, or may when the block ends.
type underWayError struct{}

func (underWayError) Error() string {
	return transport.ErrBlocked.Error() + ", and had not confirmed the message before"
}

func (underWayError) Unwrap() []error { return []error{transport.ErrBlocked, transport.ErrLost} }

// setBlocked stops or resumes sending. On a block it fails what is not held,
// also what was sent and not confirmed: the confirm may be long in coming.
func (o *outbox) setBlocked(blocked bool) {
	var told outcomes
	o.mu.Lock()
	o.blocked = blocked
	for i := range o.sent {
		if blocked && !o.sent[i].Retry {
			told.add(&o.sent[i], underWayError{})
		}
	}
	o.mu.Unlock()
	told.tell()
	o.sweep()
	o.poke()
}

// sweep fails the waiting messages that must not wait any longer.
func (o *outbox) sweep() {
	var told outcomes
	defer func() { told.tell() }()
	now := time.Now()
	o.mu.Lock()
	defer o.mu.Unlock()
	o.waiting = slices.DeleteFunc(o.waiting, func(out outgoing) bool {
		err := o.unready(&out, now)
		if err == nil && over(&out, now) {
			err = transport.ErrExpired
		}
		if err != nil {
			o.bytes -= len(out.Body)
			told.add(&out, err)
		}
		return err != nil
	})
	o.signalIdle()
}

// finish refuses further messages and returns a channel that is closed when all
// have been sent and confirmed.
func (o *outbox) finish() <-chan struct{} {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.closed = true
	if o.idle == nil {
		o.idle = make(chan struct{})
	}
	idle := o.idle
	o.signalIdle()
	return idle
}

func (o *outbox) signalIdle() {
	if o.idle == nil || len(o.waiting) > 0 || len(o.sent) > 0 {
		return
	}
	select {
	case <-o.idle:
	default:
		close(o.idle)
	}
}

// drop fails everything that is left.
func (o *outbox) drop() {
	var told outcomes
	defer func() { told.tell() }()
	o.mu.Lock()
	defer o.mu.Unlock()
	o.closed = true
	for _, queue := range [][]outgoing{o.sent, o.waiting} {
		for i := range queue {
			told.add(&queue[i], transport.ErrClosed)
		}
	}
	o.sent, o.waiting, o.bytes = nil, nil, 0
	o.signalIdle()
}
