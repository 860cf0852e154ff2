package memory

import (
	"container/list"
	"time"

	"github.com/mqrpc/mqrpc/runtime/transport"
)

// heldMessage is a message that waits until the broker takes it.
type heldMessage struct {
	message transport.Publishing
	done    func(error)
	timer   *time.Timer   // fails it when it has waited long enough
	element *list.Element // nil when it is no longer held
}

// heldMessages are the messages that wait, in the order of their publishing.
// The transport's mu guards them.
type heldMessages struct {
	list      list.List
	bytes     int
	reporting int           // taken out of the list, and done not yet called
	idle      chan struct{} // closed when there are none of either, if somebody waits for it
}

func (h *heldMessages) empty() bool { return h.list.Len() == 0 }

func (h *heldMessages) add(m *heldMessage) {
	m.element = h.list.PushBack(m)
	h.bytes += len(m.message.Body)
}

// remove takes a message out and reports whether it was still in. The caller
// calls done and then reported.
func (h *heldMessages) remove(m *heldMessage) bool {
	if m.element == nil {
		return false
	}
	h.list.Remove(m.element)
	m.element = nil
	h.bytes -= len(m.message.Body)
	h.reporting++
	if m.timer != nil {
		m.timer.Stop()
	}
	return true
}

// reported says that done was called for messages that were taken out.
func (h *heldMessages) reported(count int) {
	h.reporting -= count
	h.signalIdle()
}

func (h *heldMessages) all() []*heldMessage {
	all := make([]*heldMessage, 0, h.list.Len())
	for e := h.list.Front(); e != nil; e = e.Next() {
		all = append(all, e.Value.(*heldMessage))
	}
	return all
}

// whenIdle returns a channel that is closed once no message waits and all are
// reported.
func (h *heldMessages) whenIdle() <-chan struct{} {
	if h.idle == nil {
		h.idle = make(chan struct{})
	}
	idle := h.idle
	h.signalIdle()
	return idle
}

func (h *heldMessages) signalIdle() {
	if h.empty() && h.reporting == 0 && h.idle != nil {
		close(h.idle)
		h.idle = nil
	}
}

// hold keeps a message that could not be published, or fails it at once.
func (t *Transport) hold(message transport.Publishing, done func(error)) {
	t.mu.Lock()
	if t.passable() && t.held.empty() && !t.closing { // it has changed since
		err := t.send(&message)
		t.mu.Unlock()
		done(err)
		return
	}
	until, failure := t.patience(&message)
	wait := time.Until(until)
	switch {
	case t.closing:
		failure = transport.ErrClosed
	case !until.IsZero() && wait <= 0:
	case t.heldFull(len(message.Body)):
		failure = t.unavailable()
	default:
		held := &heldMessage{message: message, done: done}
		t.held.add(held)
		if !until.IsZero() {
			held.timer = time.AfterFunc(wait, func() { t.giveUp(held, failure) })
		}
		t.mu.Unlock()
		return
	}
	t.mu.Unlock()
	done(failure)
}

// patience is until when a message may wait for the broker (zero: for ever),
// and the error that it fails with then. t.mu is held.
func (t *Transport) patience(message *transport.Publishing) (until time.Time, failure error) {
	if !message.Retry {
		until, failure = t.state.Since, t.unavailable()
		if !t.state.Connected {
			until = until.Add(max(0, t.broker.config.Grace))
		}
	}
	if deadline := message.Deadline; !deadline.IsZero() && (until.IsZero() || deadline.Before(until)) {
		return deadline, transport.ErrExpired
	}
	return until, failure
}

func (t *Transport) unavailable() error {
	if t.state.Connected {
		return transport.ErrBlocked
	}
	return transport.ErrDisconnected
}

func (t *Transport) heldFull(size int) bool {
	config := &t.broker.config
	return t.held.list.Len() >= config.MaxMessages || t.held.bytes+size > config.MaxBytes
}

// giveUp fails a message that has waited long enough.
func (t *Transport) giveUp(m *heldMessage, failure error) {
	t.mu.Lock()
	removed := t.held.remove(m)
	t.mu.Unlock()
	if removed {
		t.report(outcomes{{m, failure}})
	}
}

// outcome is what became of a held message.
type outcome struct {
	message *heldMessage
	err     error
}

type outcomes []outcome

// report calls the done functions. No lock may be held.
func (t *Transport) report(results outcomes) {
	for _, result := range results {
		result.message.done(result.err)
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.held.reported(len(results))
}

// failHeld takes all held messages out, to fail with err. t.mu is held.
func (t *Transport) failHeld(err error) outcomes {
	var results outcomes
	for _, m := range t.held.all() {
		t.held.remove(m)
		results = append(results, outcome{m, err})
	}
	return results
}

// flush sends the held messages after the state has changed: all of them if the
// broker takes messages; if it blocks, those without Retry fail. t.mu is held.
func (t *Transport) flush() outcomes {
	var results outcomes
	for _, m := range t.held.all() {
		switch {
		case t.passable():
			t.held.remove(m)
			results = append(results, outcome{m, t.send(&m.message)})
		case t.state.Connected && !m.message.Retry:
			t.held.remove(m)
			results = append(results, outcome{m, transport.ErrBlocked})
		}
	}
	return results
}
