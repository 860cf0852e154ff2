package catalog

import (
	"context"
	"fmt"
	"time"
)

// task is what there is to do for an entry, as bits.
type task int

const (
	find   task = 1 << iota // look it up: callers wait
	reload                  // the registry holds another state of it
	settle                  // its instances are others than before
	leave                   // nobody calls it
	attend                  // it is compiled in: follow it from the beginning
)

// want has something done for an entry by the one goroutine that works for it,
// and reports whether it will be. The entry's mutex is held.
func (c *Catalog) want(e *entry, what task) bool {
	if e.working {
		e.todo |= what
		return true
	}
	if !c.begin() {
		return false
	}
	e.todo |= what
	e.working = true
	go c.work(e)
	return true
}

// begin counts a further goroutine, unless the catalog is closed.
func (c *Catalog) begin() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return false
	}
	c.running.Add(1)
	return true
}

// work does what there is to do for an entry until there is no more. Whatever
// takes time happens here, for each API apart from all others, and without the
// entry's mutex.
func (c *Catalog) work(e *entry) {
	defer c.running.Done()
	for {
		todo := c.next(e)
		if todo == 0 {
			return
		}
		if todo&leave != 0 {
			c.leave(e)
		}
		switch {
		case todo&attend != 0:
			c.attend(e)
		case todo&find != 0:
			c.find(e)
		case todo&(reload|settle) != 0:
			c.update(e, todo)
		}
	}
}

// next takes what there is to do, and ends the work if there is nothing, or if
// the catalog is closed.
func (c *Catalog) next(e *entry) task {
	e.mu.Lock()
	defer e.mu.Unlock()
	todo := e.todo
	e.todo = 0
	if c.ctx.Err() != nil {
		todo = 0
		e.finish(errClosed)
	}
	e.working = todo != 0
	return todo
}

// lookup is what the callers of an API wait for that is not loaded. Its fields
// are guarded by the entry's mutex until it is done.
type lookup struct {
	waiting int
	begun   bool
	dropped chan struct{} // closed when nobody waits any more, before it has begun
	done    chan struct{}
	err     error // once done
}

// finish ends the lookup under way, if there is one. The entry's mutex is held.
func (e *entry) finish(err error) {
	if e.lookup == nil {
		return
	}
	e.lookup.err = err
	close(e.lookup.done)
	e.lookup = nil
}

// wait returns when the lookup is done or ctx ends. A lookup that has not begun,
// and that nobody waits for any more, is dropped.
func (e *entry) wait(ctx context.Context, l *lookup) error {
	select {
	case <-l.done:
		return l.err
	case <-ctx.Done():
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	l.waiting--
	if l.waiting == 0 && !l.begun && e.lookup == l {
		e.lookup = nil
		close(l.dropped)
	}
	return fmt.Errorf("%s: %w", e.key, context.Cause(ctx))
}

// begin notes that a lookup asks from now on, unless it was dropped.
func (e *entry) begin(l *lookup) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	l.begun = l.begun || e.lookup == l
	return l.begun
}

// take waits for a slot, of which each lets one query or one contract be worked
// on. It reports false if that is dropped meanwhile, or the catalog closed.
func (c *Catalog) take(dropped <-chan struct{}) bool {
	select {
	case c.slots <- struct{}{}:
		return true
	case <-dropped:
	case <-c.ctx.Done():
	}
	return false
}

func (c *Catalog) give() { <-c.slots }

// leave lets an API go that nobody calls: from now on it is looked up anew. One
// that is compiled in, was called meanwhile, or has a call under way stays.
func (c *Catalog) leave(e *entry) {
	e.mu.Lock()
	if !e.idle(e.leaveAt) {
		e.mu.Unlock()
		return
	}
	wasLoaded := e.now.Swap(nil) != nil
	wasFollowed := e.followed
	c.table.count(e)
	e.mu.Unlock()

	if wasFollowed && c.watch != nil {
		c.watch.Unfollow(e.key)
	}
	e.contracts = contracts{}
	if wasLoaded {
		c.counters.dropped.Add(1)
	}

	e.mu.Lock()
	defer e.mu.Unlock()
	e.followed, e.registry, e.described = false, registered{}, described{}
	if e.lookup == nil && len(e.instances) == 0 && !time.Now().Before(e.absent.until) {
		c.table.remove(e)
	}
}

// idle reports whether nobody has called the API since that time or knows
// anything of it. The entry's mutex is held.
func (e *entry) idle(since time.Time) bool {
	switch {
	case e.static != nil, e.lookup != nil, e.calls.InFlight() > 0:
		return false
	case e.now.Load() != nil:
		return e.lastUsed().Before(since)
	}
	return !time.Now().Before(e.absent.until) && (e.followed || len(e.instances) == 0)
}
