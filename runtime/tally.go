package runtime

import "sync"

// tally counts what is under way. Unlike a [sync.WaitGroup] it may grow while
// somebody waits for its end: what strangers send comes at any moment.
type tally struct {
	mu    sync.Mutex
	count int
	empty chan struct{} // nil unless somebody waits
}

func (t *tally) add() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.count++
}

func (t *tally) done() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.count--
	t.signal()
}

// none returns a channel that is closed as soon as nothing is under way.
func (t *tally) none() <-chan struct{} {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.empty == nil {
		t.empty = make(chan struct{})
	}
	empty := t.empty
	t.signal()
	return empty
}

// signal tells who waits, if there is nothing left. The caller holds the lock.
func (t *tally) signal() {
	if t.count == 0 && t.empty != nil {
		close(t.empty)
		t.empty = nil
	}
}
