package dynamic

import (
	"context"
	"fmt"
	"sync"

	"github.com/mqrpc/mqrpc/contract"
)

// loads are the lookups under way, at most one for each API, whatever the number
// of callers that wait for it.
type loads struct {
	slots chan struct{} // one for each lookup that runs

	mu     sync.Mutex
	closed bool
	byKey  map[contract.Key]*lookup
}

// lookup is one of them. Its fields are guarded by the mutex of loads until it
// is done.
type lookup struct {
	key     contract.Key
	done    chan struct{}
	err     error // once done; errAgain: it was no lookup, ask again
	waiting int
	running bool
	stale   bool               // there was news of the API since it began to ask
	giveUp  context.CancelFunc // before it runs
}

func newLoads(limit int) *loads {
	return &loads{slots: make(chan struct{}, limit), byKey: make(map[contract.Key]*lookup)}
}

// join returns the lookup of an API with one more that waits for it, a new one
// if there is none.
func (a *APIs) join(key contract.Key) (*lookup, error) {
	a.loads.mu.Lock()
	defer a.loads.mu.Unlock()
	if l := a.loads.byKey[key]; l != nil {
		l.waiting++
		return l, nil
	}
	if a.loads.closed {
		return nil, errClosed
	}
	ctx, cancel := context.WithCancel(a.ctx)
	l := &lookup{key: key, done: make(chan struct{}), waiting: 1, giveUp: cancel}
	a.loads.byKey[key] = l
	a.work.Go(func() {
		defer cancel()
		a.run(ctx, l)
	})
	return l, nil
}

// wait returns when the lookup is done or ctx ends. A lookup that does not run
// yet, and that nobody waits for any more, is given up.
func (l *lookup) wait(ctx context.Context, all *loads) error {
	select {
	case <-l.done:
		return l.err
	case <-ctx.Done():
	}
	all.mu.Lock()
	defer all.mu.Unlock()
	l.waiting--
	if l.waiting == 0 && !l.running && all.byKey[l.key] == l {
		delete(all.byKey, l.key)
		l.giveUp()
	}
	return fmt.Errorf("%s: %w", l.key, context.Cause(ctx))
}

// begin notes that a lookup asks from now on, and reports whether it is still
// wanted; ctx ends when it is given up.
func (s *loads) begin(ctx context.Context, l *lookup) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if ctx.Err() != nil {
		return false
	}
	l.running, l.stale = true, false
	return true
}

// goOn does something unless the lookups are closed.
func (s *loads) goOn(do func()) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return false
	}
	do()
	return true
}

// exclusive does something while no lookup of the API runs, unless one does.
// Those who come meanwhile wait, and look again.
func (s *loads) exclusive(key contract.Key, do func()) bool {
	l := &lookup{key: key, done: make(chan struct{}), running: true, giveUp: func() {}}
	s.mu.Lock()
	busy := s.closed || s.byKey[key] != nil
	if !busy {
		s.byKey[key] = l
	}
	s.mu.Unlock()
	if busy {
		return false
	}
	do()
	s.finish(l, errAgain)
	return true
}

// finishInVain ends a lookup that has found nothing, unless there was news
// meanwhile; then it returns false. remember is called in the same moment as
// far as news are concerned.
func (s *loads) finishInVain(l *lookup, err error, remember func()) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if l.stale {
		l.stale = false
		return false
	}
	remember()
	s.end(l, err)
	return true
}

// finish ends a lookup with what has come of it.
func (s *loads) finish(l *lookup, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.end(l, err)
}

// end is finish with the mutex held.
func (s *loads) end(l *lookup, err error) {
	if s.byKey[l.key] == l {
		delete(s.byKey, l.key)
	}
	l.err = err
	close(l.done)
}

// news says that what is known of the API may not be true any more. forget is
// called in the same moment as far as lookups are concerned.
func (s *loads) news(key contract.Key, forget func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if l := s.byKey[key]; l != nil {
		l.stale = true
	}
	forget()
}

// newsOfAll is news of every API.
func (s *loads) newsOfAll(forget func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, l := range s.byKey {
		l.stale = true
	}
	forget()
}

// close refuses further lookups.
func (s *loads) close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
}
