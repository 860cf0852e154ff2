package memory

import (
	"container/list"
	"time"

	"github.com/mqrpc/mqrpc/runtime"
)

// heldMessage is a message that waits until the broker takes it.
type heldMessage struct {
	message runtime.Publishing
	done    func(error)
	timer   *time.Timer   // fails it when it has waited long enough
	element *list.Element // nil when it is no longer held
}

// heldMessages are the messages that wait, in the order of their publishing.
// The transport's mu guards them.
type heldMessages struct {
	list  list.List
	bytes int
	freed chan struct{} // closed when the list is empty, if somebody waits for it
}

func (h *heldMessages) empty() bool { return h.list.Len() == 0 }

func (h *heldMessages) add(m *heldMessage) {
	m.element = h.list.PushBack(m)
	h.bytes += len(m.message.Body)
}

// remove takes a message out and reports whether it was still in.
func (h *heldMessages) remove(m *heldMessage) bool {
	if m.element == nil {
		return false
	}
	h.list.Remove(m.element)
	m.element = nil
	h.bytes -= len(m.message.Body)
	if m.timer != nil {
		m.timer.Stop()
	}
	if h.empty() && h.freed != nil {
		close(h.freed)
		h.freed = nil
	}
	return true
}

func (h *heldMessages) all() []*heldMessage {
	all := make([]*heldMessage, 0, h.list.Len())
	for e := h.list.Front(); e != nil; e = e.Next() {
		all = append(all, e.Value.(*heldMessage))
	}
	return all
}

func (h *heldMessages) takeAll() []*heldMessage {
	all := h.all()
	for _, m := range all {
		h.remove(m)
	}
	return all
}

// whenEmpty returns a channel that is closed once no message waits.
func (h *heldMessages) whenEmpty() <-chan struct{} {
	if h.freed == nil {
		h.freed = make(chan struct{})
	}
	freed := h.freed
	if h.empty() {
		close(h.freed)
		h.freed = nil
	}
	return freed
}

// hold keeps a message that could not be published, or fails it at once.
func (t *Transport) hold(message runtime.Publishing, done func(error)) {
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
		failure = runtime.ErrClosed
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
func (t *Transport) patience(message *runtime.Publishing) (until time.Time, failure error) {
	if !message.Hold {
		until, failure = t.state.Since, t.unavailable()
		if !t.state.Connected {
			until = until.Add(max(0, t.broker.config.Grace))
		}
	}
	if deadline := message.Deadline; !deadline.IsZero() && (until.IsZero() || deadline.Before(until)) {
		return deadline, runtime.ErrExpired
	}
	return until, failure
}

func (t *Transport) unavailable() error {
	if t.state.Connected {
		return runtime.ErrBlocked
	}
	return runtime.ErrDisconnected
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
		m.done(failure)
	}
}

// outcome is what became of a held message.
type outcome struct {
	message *heldMessage
	err     error
}

type outcomes []outcome

// report calls the done functions. No lock may be held.
func (o outcomes) report() {
	for _, outcome := range o {
		outcome.message.done(outcome.err)
	}
}

// flush sends the held messages after the state has changed: all of them if the
// broker takes messages; if it blocks, those without Hold fail. t.mu is held.
func (t *Transport) flush() outcomes {
	var results outcomes
	for _, m := range t.held.all() {
		switch {
		case t.passable():
			t.held.remove(m)
			results = append(results, outcome{m, t.send(&m.message)})
		case t.state.Connected && !m.message.Hold:
			t.held.remove(m)
			results = append(results, outcome{m, runtime.ErrBlocked})
		}
	}
	return results
}
