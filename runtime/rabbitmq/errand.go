package rabbitmq

import (
	"sync"
	"time"
)

// errand is what the writer of a connection does now and then, for many at a
// time: at once, or within a short while.
type errand struct {
	delay time.Duration
	poke  func() // has the writer look

	mu      sync.Mutex
	due     bool
	timer   *time.Timer
	waiting bool // for the timer
}

// soon makes it due within its delay.
func (e *errand) soon() {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.due || e.waiting {
		return
	}
	e.waiting = true
	if e.timer == nil {
		e.timer = time.AfterFunc(e.delay, e.now)
		return
	}
	e.timer.Reset(e.delay)
}

// now makes it due.
func (e *errand) now() {
	e.mu.Lock()
	e.due, e.waiting = true, false
	e.mu.Unlock()
	e.poke()
}

// take reports whether it is due, and that it is done with that.
func (e *errand) take() bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	due := e.due
	e.due = false
	return due
}
