package registry

import (
	"context"
	"errors"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/mqrpc/mqrpc/contract"
)

// ask has the store asked about one API, soon.
func (f *Follower) ask(key contract.Key) {
	f.mu.Lock()
	if f.entries[key] != nil {
		f.due[key] = true
	}
	f.mu.Unlock()
	f.wakeUp()
}

// askAll has the store asked about all APIs, soon.
func (f *Follower) askAll() {
	f.mu.Lock()
	f.dueAll = true
	f.mu.Unlock()
	f.wakeUp()
}

// askLater has the store asked about one API, after the time that an announced
// state may take to be saved.
func (f *Follower) askLater(key contract.Key) {
	f.mu.Lock()
	f.checks = append(f.checks, check{key: key, at: time.Now().Add(f.config.ConfirmAfter)})
	f.mu.Unlock()
	f.wakeUp()
}

func (f *Follower) wakeUp() {
	select {
	case f.wake <- struct{}{}:
	default:
	}
}

// reachable ends the wait after failures: the notifier has come back from an
// outage, and so probably has the store.
func (f *Follower) reachable() {
	select {
	case f.restored <- struct{}{}:
	default:
	}
}

// poll is the one goroutine that asks the store, apart from first loads: one
// query at a time, so that queries cannot pile up.
func (f *Follower) poll() {
	next := time.Now().Add(f.interval())
	backoff := time.Duration(0)
	timer := time.NewTimer(time.Until(next))
	defer timer.Stop()
	for {
		select {
		case <-f.ctx.Done():
			return
		case <-f.wake:
			if backoff > 0 {
				continue // the timer is set
			}
		case <-f.restored:
			backoff = 0
		case <-timer.C:
		}
		if !time.Now().Before(next) {
			next = time.Now().Add(f.interval())
			f.mu.Lock()
			f.dueAll = true
			f.mu.Unlock()
		}
		if f.round() {
			backoff = 0
			timer.Reset(time.Until(f.nextRound(next)))
		} else {
			backoff = min(max(2*backoff, firstBackoff), lastBackoff, f.config.PollInterval)
			timer.Reset(jitter(backoff))
		}
	}
}

// interval is the time to the next poll. Gateways that started together do not
// poll together.
func (f *Follower) interval() time.Duration { return jitter(f.config.PollInterval) }

func jitter(d time.Duration) time.Duration {
	return d + rand.N(d/10+1) //nolint:gosec // it spreads load, it guards nothing
}

// nextRound is when the store must be asked next: for the poll, or before for a
// check. Checks wait a little for one another, so that many make one query.
func (f *Follower) nextRound(poll time.Time) time.Time {
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.checks) > 0 {
		if at := f.checks[0].at.Add(f.config.ConfirmAfter / 10); at.Before(poll) {
			return at
		}
	}
	return poll
}

// round asks the store about all that is due, and reports whether it answered.
// What it did not answer stays due.
func (f *Follower) round() bool {
	asked := f.take()
	for chunk := range slices.Chunk(asked, MaxHeads) {
		if !f.compare(chunk) {
			for _, e := range asked {
				f.again(e.key)
			}
			return false
		}
	}
	return true
}

// take returns the entries that are due, and makes them due no more.
func (f *Follower) take() []*entry {
	f.mu.Lock()
	now := time.Now()
	for len(f.checks) > 0 && !f.checks[0].at.After(now) {
		if key := f.checks[0].key; f.entries[key] != nil {
			f.due[key] = true
		}
		f.checks = f.checks[1:]
	}
	all := f.dueAll
	candidates := make([]*entry, 0, len(f.due))
	for key, e := range f.entries {
		if !all {
			break
		}
		candidates = append(candidates, e)
		delete(f.due, key)
	}
	for key := range f.due {
		candidates = append(candidates, f.entries[key])
	}
	f.dueAll, f.due = false, make(map[contract.Key]bool)
	f.mu.Unlock()

	return slices.DeleteFunc(candidates, func(e *entry) bool {
		e.mu.Lock()
		defer e.mu.Unlock()
		if all && e.head.Deleted && e.confirmed > 0 {
			f.remove(e) // nobody needs to hear more of it
		}
		if e.head.IsZero() {
			e.again = true // when the first load, which is under way, has ended
		}
		return e.gone || e.head.IsZero()
	})
}

// again makes a key due without waking the poller.
func (f *Follower) again(key contract.Key) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.entries[key] != nil {
		f.due[key] = true
	}
}

// compare asks for the heads of some entries, loads those that differ, and
// reports whether the store has answered.
func (f *Follower) compare(entries []*entry) bool {
	keys := make([]contract.Key, len(entries))
	for i, e := range entries {
		keys[i] = e.key
	}
	tick := f.tick.Add(1)
	heads, err := f.heads(keys)
	if err != nil {
		if f.ctx.Err() == nil {
			f.config.Logger.Warn("registry: the store cannot be asked for changes, what is loaded stays in effect",
				"apis", len(keys), "error", err)
		}
		return false
	}
	found := make(map[contract.Key]Head, len(heads))
	for _, head := range heads {
		found[head.Key] = head
	}
	answered := true
	for _, e := range entries {
		head, ok := found[e.key]
		if !ok {
			f.applyAbsent(e)
			continue
		}
		answered = f.catchUp(e, head, tick) && answered
	}
	return answered
}

func (f *Follower) heads(keys []contract.Key) ([]Head, error) {
	ctx, cancel := context.WithTimeout(f.ctx, f.config.QueryTimeout)
	defer cancel()
	f.count(func(h *Health) { h.Polls++ })
	heads, err := f.config.Store.Heads(ctx, keys)
	err = f.storeError(err)
	f.asked(err)
	return heads, err
}

// catchUp brings an entry to the head that the store had at tick, and reports
// whether the store has answered.
func (f *Follower) catchUp(e *entry, head Head, tick int64) bool {
	e.mu.Lock()
	v := e.verdict(head, tick, f.config.ConfirmAfter)
	if v == same {
		e.confirm(f.tick.Add(1))
	}
	skip := v != newer || head == e.rejected || e.gone
	e.mu.Unlock()
	if skip {
		return true
	}
	api, read, err := f.read(e.key)
	if err != nil {
		if !errors.Is(err, ErrUnavailable) {
			f.askLater(e.key)
		}
		if f.ctx.Err() == nil {
			f.config.Logger.Warn("registry: a changed API cannot be loaded, the state before stays in effect",
				"api", e.key.String(), "error", err)
		}
		return !errors.Is(err, ErrUnavailable)
	}
	_ = f.applyStored(e, api, read) // put has logged it
	return true
}
