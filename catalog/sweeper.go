package catalog

import (
	"slices"
	"time"
)

// The interval of the sweeps.
const (
	minSweep = 10 * time.Millisecond
	maxSweep = 5 * time.Second
)

// sweep drops what is out of date, now and then, until the catalog is closed.
func (c *Catalog) sweep() {
	tick := time.NewTicker(min(max(min(c.config.IdleAfter/10, c.config.UnknownFor), minSweep), maxSweep))
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			for e := range c.table.all() {
				c.sweepEntry(e)
			}
		case <-c.crowded:
		case <-c.ctx.Done():
			return
		}
		c.dropOldest()
	}
}

func (c *Catalog) sweepEntry(e *entry) {
	now := time.Now()
	e.mu.Lock()
	defer e.mu.Unlock()
	c.drop(e, func(i Instance) bool { return !now.Before(i.Expires) })
	if state := e.now.Load(); state != nil && len(state.unread) > 0 {
		c.want(e, settle) // perhaps somebody now says what their contracts are
	}
	if e.leaveAt = now.Add(-c.config.IdleAfter); !e.gone && e.idle(e.leaveAt) {
		c.want(e, leave)
	}
}

// dropOldest drops APIs while there are too many, those that were called longest
// ago, and a few more, so that it is not done for each.
func (c *Catalog) dropOldest() {
	limit := c.config.Limits.Loaded
	loaded := int(c.table.loaded.Load())
	if loaded <= limit {
		return
	}
	var oldest []*entry
	for e := range c.table.all() {
		if e.static == nil && e.now.Load() != nil {
			oldest = append(oldest, e)
		}
	}
	slices.SortFunc(oldest, func(x, y *entry) int { return x.lastUsed().Compare(y.lastUsed()) })
	for _, e := range oldest[:min(loaded-limit+limit/50, len(oldest))] {
		e.mu.Lock()
		e.leaveAt = e.lastUsed().Add(1)
		c.want(e, leave)
		e.mu.Unlock()
	}
}
