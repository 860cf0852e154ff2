package rabbitmq

import (
	"slices"
	"sync"
	"time"

	"github.com/mqrpc/mqrpc/internal/fifo"
	"github.com/mqrpc/mqrpc/runtime"
)

// outgoing is a message with the function that learns its fate. done is nil
// once it has been called.
type outgoing struct {
	runtime.Publishing
	done func(error)
	// breaks counts the connections that broke while the message was sent and
	// not confirmed.
	breaks int
}

// maxBreaks is the number of connections that a held message may break with. A
// broker closes the connection on a message that it does not want, for example
// one larger than its limit; without a bound it would be sent for ever.
const maxBreaks = 5

// verdict is a call of a done function that waits until no lock is held.
type verdict struct {
	done func(error)
	err  error
}

type verdicts []verdict

func (v *verdicts) add(message *outgoing, err error) {
	if message.done != nil {
		*v = append(*v, verdict{message.done, err})
		message.done = nil
	}
}

// addUnheld adds those messages that do not wait for better times.
func (v *verdicts) addUnheld(messages []outgoing, err error) {
	for i := range messages {
		if !messages[i].Hold {
			v.add(&messages[i], err)
		}
	}
}

func (v verdicts) tell() {
	for _, verdict := range v {
		verdict.done(verdict.err)
	}
}

// outbox holds every message from Publish to its verdict. It outlives the
// connections.
//
// A message is in waiting until it is taken to be written, then in sent, in the
// order of the connection's publish tags, until the broker confirms it; a lone
// one is in lone instead, until a fence tells that the broker has it. When the
// connection breaks, both are emptied: held messages go back to the head of
// waiting, all others are lost.
type outbox struct {
	grace      time.Duration
	maxBacklog int
	wake       chan struct{} // tells the writer that there is something to do

	mu      sync.Mutex
	waiting fifo.Queue[outgoing]
	bytes   int // of the bodies in waiting
	sent    fifo.Queue[outgoing]
	lone    unfenced
	up      bool
	blocked bool
	since   time.Time // when up last changed
	closed  bool
	idle    chan struct{} // closed when both queues are empty; nil if nobody waits

	writeNow func() bool // of the link, while up
}

func newOutbox(grace time.Duration, maxBacklog int) *outbox {
	o := &outbox{grace: grace, maxBacklog: maxBacklog, wake: make(chan struct{}, 1), since: time.Now()}
	o.lone.reset()
	o.lone.fence.delay, o.lone.fence.poke = fenceDelay, o.poke
	return o
}

// put takes a message in, or returns why not. One that nothing is before may be
// written on the spot.
func (o *outbox) put(message outgoing) error {
	o.mu.Lock()
	if err := o.refusal(&message); err != nil {
		o.mu.Unlock()
		return err
	}
	o.waiting.Push(message)
	o.bytes += len(message.Body)
	direct, writeNow := o.waiting.Len() == 1 && o.writable(publisher), o.writeNow
	o.mu.Unlock()
	if !direct || !writeNow() {
		o.poke()
	}
	return nil
}

func (o *outbox) refusal(message *outgoing) error {
	switch {
	case o.closed:
		return runtime.ErrClosed
	case o.bytes+len(message.Body) > o.maxBacklog && o.waiting.Len() > 0:
		return runtime.ErrBacklog
	}
	return o.unready(message, time.Now())
}

// unready is why a message must not wait any longer, nil if it may.
func (o *outbox) unready(message *outgoing, now time.Time) error {
	switch {
	case message.Hold || (o.up && !o.blocked):
		return nil
	case o.blocked:
		return runtime.ErrBlocked
	case now.Sub(o.since) >= o.grace:
		return runtime.ErrDisconnected
	}
	return nil
}

func (o *outbox) poke() {
	select {
	case o.wake <- struct{}{}:
	default:
	}
}

// writer is who writes a message to the network.
type writer int

const (
	linkWriter writer = iota // may wait for the network
	publisher                // may not
)

// maxDirect is the size up to which a publisher writes a message, in bytes. What
// is larger does not gain from it.
const maxDirect = 64 << 10

// writable reports whether there is a message that this one may write.
func (o *outbox) writable(by writer) bool {
	if !o.up || o.blocked || o.waiting.Len() == 0 {
		return false
	}
	next := &o.waiting.All()[0]
	return by == linkWriter || next.Lone && len(next.Body) <= maxDirect
}

// next moves the next message from waiting to sent, or lone, and returns it, for
// who writes. It passes over those whose deadline is over.
func (o *outbox) next(now time.Time, by writer) (message runtime.Publishing, ok bool) {
	var told verdicts
	o.mu.Lock()
	for !ok && o.writable(by) {
		out := o.waiting.Pop()
		o.bytes -= len(out.Body)
		if over(&out, now) {
			told.add(&out, runtime.ErrExpired)
			continue
		}
		if out.Lone {
			o.lone.Push(out)
		} else {
			o.sent.Push(out)
		}
		message, ok = out.Publishing, true
	}
	o.signalIdle()
	o.mu.Unlock()
	told.tell()
	return message, ok
}

func over(message *outgoing, now time.Time) bool {
	return !message.Deadline.IsZero() && now.After(message.Deadline)
}

// confirm takes the oldest sent message out and tells it its fate.
func (o *outbox) confirm(err error) {
	o.mu.Lock()
	if o.sent.Len() == 0 { // a broker that confirms what was never sent
		o.mu.Unlock()
		return
	}
	out := o.sent.Pop()
	o.signalIdle()
	o.mu.Unlock()
	if out.done != nil {
		out.done(err)
	}
}

// connected lets messages go out.
func (o *outbox) connected(writeNow func() bool) {
	o.mu.Lock()
	o.up, o.blocked, o.since, o.writeNow = true, false, time.Now(), writeNow
	o.mu.Unlock()
	o.poke()
}

// disconnected settles what was under way on a connection that broke.
func (o *outbox) disconnected() {
	var told verdicts
	o.mu.Lock()
	if o.up {
		o.up, o.blocked, o.since = false, false, time.Now()
	}
	var again []outgoing
	for _, out := range slices.Concat(o.sent.All(), o.lone.All()) {
		out.breaks++
		switch {
		case !out.Hold:
			told.add(&out, runtime.ErrLost)
		case out.breaks >= maxBreaks:
			told.add(&out, runtime.ErrRefused)
		default:
			again = append(again, out)
			o.bytes += len(out.Body)
		}
	}
	o.sent.Replace(nil)
	o.lone.reset()
	if len(again) > 0 {
		o.waiting.Replace(append(again, o.waiting.All()...))
	}
	o.signalIdle()
	o.mu.Unlock()
	told.tell()
}

// setBlocked stops or resumes sending. On a block it fails what is not held,
// also what was sent and not confirmed: the broker no longer reads it.
func (o *outbox) setBlocked(blocked bool) {
	var told verdicts
	o.mu.Lock()
	o.blocked = blocked
	if blocked {
		told.addUnheld(o.sent.All(), runtime.ErrBlocked)
		told.addUnheld(o.lone.All(), runtime.ErrBlocked)
	}
	o.mu.Unlock()
	told.tell()
	o.sweep()
	o.poke()
}

// sweep fails the waiting messages that must not wait any longer.
func (o *outbox) sweep() {
	var told verdicts
	now := time.Now()
	o.mu.Lock()
	kept := o.waiting.All()[:0]
	for _, out := range o.waiting.All() {
		err := o.unready(&out, now)
		if err == nil && over(&out, now) {
			err = runtime.ErrExpired
		}
		if err == nil {
			kept = append(kept, out)
			continue
		}
		o.bytes -= len(out.Body)
		told.add(&out, err)
	}
	clear(o.waiting.All()[len(kept):])
	o.waiting.Replace(kept)
	o.signalIdle()
	o.mu.Unlock()
	told.tell()
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
	o.lone.fence.now()
	o.signalIdle()
	return idle
}

func (o *outbox) signalIdle() {
	if o.idle == nil || o.waiting.Len() > 0 || o.sent.Len() > 0 || o.lone.Len() > 0 {
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
	var told verdicts
	o.mu.Lock()
	o.closed = true
	for _, queue := range []*fifo.Queue[outgoing]{&o.sent, &o.lone.Queue, &o.waiting} {
		for i := range queue.All() {
			told.add(&queue.All()[i], runtime.ErrClosed)
		}
		queue.Replace(nil)
	}
	o.bytes = 0
	o.signalIdle()
	o.mu.Unlock()
	told.tell()
}
