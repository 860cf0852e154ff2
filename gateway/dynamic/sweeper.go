package dynamic

import (
	"slices"
	"time"
)

// The interval of the sweeps.
const (
	minSweep = 10 * time.Millisecond
	maxSweep = 5 * time.Second
)

// sweep drops what is out of date, now and then, until the APIs are closed.
func (a *APIs) sweep() {
	interval := min(max(min(a.config.IdleAfter/10, a.config.UnknownFor), minSweep), maxSweep)
	tick := time.NewTicker(interval)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			a.sweepInstances()
			a.sweepUnknown()
			a.dropIdle()
		case <-a.crowded:
		case <-a.ctx.Done():
			return
		}
		a.dropOldest()
	}
}

func (a *APIs) wakeSweeper() {
	select {
	case a.crowded <- struct{}{}:
	default:
	}
}

func (a *APIs) sweepInstances() {
	for _, key := range a.instances.sweep() {
		a.checkRevision(key)
	}
}

func (a *APIs) sweepUnknown() {
	a.unknown.sweep()
	if a.news == nil {
		return
	}
	if w := a.news.shared(); w != nil {
		for _, key := range w.stale(a.unknown.has) {
			w.unfollowUnknown(key)
		}
	}
}

// dropIdle drops the APIs that nobody has called for long.
func (a *APIs) dropIdle() {
	before := time.Now().Add(-a.config.IdleAfter)
	for e := range a.table.all() {
		if e.lastUsed().Before(before) {
			a.drop(e, before)
		}
	}
}

// dropOldest drops APIs while there are too many, and a few more, so that it is
// not done for each.
func (a *APIs) dropOldest() {
	limit := a.config.Limits.Loaded
	if a.table.len() <= limit {
		return
	}
	var oldest []*entry
	for e := range a.table.all() {
		if e.static == nil {
			oldest = append(oldest, e)
		}
	}
	slices.SortFunc(oldest, func(x, y *entry) int { return x.lastUsed().Compare(y.lastUsed()) })
	excess := min(a.table.len()-limit+limit/50, len(oldest))
	for _, e := range oldest[:excess] {
		a.drop(e, e.lastUsed().Add(1))
	}
}

// drop drops an API, unless it is compiled in, was used at or after that time,
// or has a call under way.
func (a *APIs) drop(e *entry, before time.Time) {
	if e.static != nil {
		return
	}
	a.loads.exclusive(e.key, func() {
		if !e.lastUsed().Before(before) || e.calls.InFlight() > 0 {
			return
		}
		// The follower first: once it has forgotten the API, nothing brings it
		// back but a lookup, which waits.
		if a.follower != nil {
			a.follower.Forget(e.key)
		}
		if a.table.remove(e) {
			a.modules.remove(e.key.Module)
			a.counters.dropped.Add(1)
		}
	})
}
