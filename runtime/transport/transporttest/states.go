package transporttest

import (
	goruntime "runtime"
	"sync"
	"testing"
	"time"

	"github.com/mqrpc/mqrpc/runtime/transport"
)

// states: State and Watch.
var states = []check{
	{name: "State describes a good connection", run: goodState},
	{name: "Watch begins with the state now", run: watchBegins},
	{name: "Watch tells of an outage, one state at a time", needs: []Feature{Severing}, run: watchOutage},
	{name: "a watcher that was stopped is told nothing", needs: []Feature{Severing}, run: watchStopped},
	{name: "Watch tells of the end", run: watchClose},
}

// stateLog is what a watcher was told.
type stateLog struct {
	f *fixture

	mu      sync.Mutex
	told    []transport.State
	running bool
}

func (f *fixture) watch(c *connection) (log *stateLog, stop func()) {
	log = &stateLog{f: f}
	return log, c.Watch(log.changed)
}

func (l *stateLog) changed(state transport.State) {
	l.mu.Lock()
	if l.running {
		l.f.t.Error("a watcher was called while it was running")
	}
	l.running = true
	l.mu.Unlock()
	goruntime.Gosched() // so that calls would overlap
	l.mu.Lock()
	l.told = append(l.told, state)
	l.running = false
	l.mu.Unlock()
}

// first returns the first state from index on that meets the condition, and
// the index after it.
func (l *stateLog) first(index int, what string, meets func(transport.State) bool) (transport.State, int) {
	l.f.t.Helper()
	var found transport.State
	var after int
	l.f.eventually("a watcher is told that "+what, func() bool {
		l.mu.Lock()
		defer l.mu.Unlock()
		for i := index; i < len(l.told); i++ {
			if meets(l.told[i]) {
				found, after = l.told[i], i+1
				return true
			}
		}
		return false
	})
	return found, after
}

func isUp(s transport.State) bool   { return s.Connected }
func isDown(s transport.State) bool { return !s.Connected }

func (l *stateLog) len() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.told)
}

func checkGood(t *testing.T, state transport.State) {
	t.Helper()
	if !state.Connected || state.Blocked || state.Err != nil || state.Connects < 1 ||
		state.Since.IsZero() || state.Since.After(time.Now()) {
		t.Errorf("the state of a good connection is %+v", state)
	}
}

func goodState(f *fixture) { checkGood(f.t, f.connect().State()) }

func watchBegins(f *fixture) {
	c := f.connect()
	for range 2 {
		log, stop := f.watch(c)
		state, _ := log.first(0, "there is a connection", isUp)
		checkGood(f.t, state)
		if log.len() != 1 {
			f.t.Errorf("the watcher was told %d states, want the one", log.len())
		}
		stop()
	}
}

func watchOutage(f *fixture) {
	c := f.connect()
	log, stop := f.watch(c)
	defer stop()
	before, index := log.first(0, "there is a connection", isUp)
	for range 2 {
		restore := f.sever(c)
		down, after := log.first(index, "the connection is lost", isDown)
		if down.Err == nil {
			f.t.Error("the state of an outage does not say why (Err)")
		}
		if c.State().Connected {
			f.t.Error("State disagrees with Watch during an outage")
		}
		restore()
		up, after := log.first(after, "the connection is back", isUp)
		checkGood(f.t, up)
		if up.Connects <= before.Connects {
			f.t.Errorf("Connects went from %d to %d over a reconnect", before.Connects, up.Connects)
		}
		if up.Since.Before(down.Since) {
			f.t.Errorf("the outage began at %v, the connection after it at %v", down.Since, up.Since)
		}
		before, index = up, after
	}
}

func watchStopped(f *fixture) {
	c := f.connect()
	stopped, stop := f.watch(c)
	log, stopOther := f.watch(c)
	defer stopOther()
	stopped.first(0, "there is a connection", isUp)
	_, index := log.first(0, "there is a connection", isUp)
	stop()
	told := stopped.len()
	f.sever(c)()
	_, index = log.first(index, "the connection is lost", isDown)
	log.first(index, "the connection is back", isUp)
	if stopped.len() != told {
		f.t.Error("a watcher was told something after it was stopped")
	}
}

func watchClose(f *fixture) {
	c := f.connect()
	log, stop := f.watch(c)
	defer stop()
	_, index := log.first(0, "there is a connection", isUp)
	c.close()
	log.first(index, "there is no connection any more", isDown)
	if c.State().Connected {
		f.t.Error("State says that there is a connection after Close")
	}
}
