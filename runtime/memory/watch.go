package memory

import (
	"slices"
	"sync"
	"time"

	"github.com/mqrpc/mqrpc/runtime/transport"
)

// watcher is a Watch. It is told every state, in order, one at a time, by
// whoever changes the state, or by somebody who is telling it just then.
type watcher struct {
	changed func(transport.State)

	mu      sync.Mutex
	news    []transport.State
	telling bool
	stopped bool
	idle    sync.Cond // telling has become false
}

// State implements transport.Transport.
func (t *Transport) State() transport.State {
	t.mu.RLock()
	defer t.mu.RUnlock()
	return t.state
}

// Watch implements transport.Transport. The first call of changed happens before
// Watch returns, and none is running or begins after stop has returned.
func (t *Transport) Watch(changed func(transport.State)) (stop func()) {
	w := &watcher{changed: changed}
	w.idle.L = &w.mu
	t.mu.Lock()
	w.add(t.state)
	t.watchers = append(slices.Clone(t.watchers), w)
	t.mu.Unlock()
	w.tell()
	return func() {
		t.mu.Lock()
		t.watchers = slices.DeleteFunc(slices.Clone(t.watchers), func(other *watcher) bool { return other == w })
		t.mu.Unlock()
		w.stop()
	}
}

// setState changes the state, which begins now unless it says otherwise.
// t.mu is held; the caller calls tellWatchers when
// it has unlocked it.
func (t *Transport) setState(state transport.State) {
	if state.Since.IsZero() {
		state.Since = time.Now()
	}
	t.state = state
	t.announce()
	for _, w := range t.watchers {
		w.add(state)
	}
}

// announce wakes all who wait for a change. t.mu is held.
func (t *Transport) announce() {
	close(t.changed)
	t.changed = make(chan struct{})
}

func (t *Transport) tellWatchers() {
	t.mu.RLock()
	watchers := t.watchers
	t.mu.RUnlock()
	for _, w := range watchers {
		w.tell()
	}
}

func (w *watcher) add(state transport.State) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.news = append(w.news, state)
}

func (w *watcher) tell() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.telling {
		return
	}
	w.telling = true
	for len(w.news) > 0 && !w.stopped {
		state := w.news[0]
		w.news = w.news[1:]
		w.mu.Unlock()
		w.changed(state)
		w.mu.Lock()
	}
	w.telling = false
	w.idle.Broadcast()
}

func (w *watcher) stop() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.stopped = true
	for w.telling {
		w.idle.Wait()
	}
}
