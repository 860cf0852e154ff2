package catalog

import (
	"fmt"
	"time"

	"github.com/mqrpc/mqrpc/contract"
	mqrpcv1 "github.com/mqrpc/mqrpc/proto/mqrpc/v1"
	"github.com/mqrpc/mqrpc/registry"
)

// startFollowing begins to ask the registry, if there is one.
func (c *Catalog) startFollowing() error {
	if c.config.Store == nil {
		return nil
	}
	c.store = &store{of: c.config.Store, timeout: c.config.Follow.QueryTimeout}
	c.poll = newPoll(c)
	if c.config.Notifier != nil {
		var err error
		if c.watch, err = c.config.Notifier.Watch(c.notify); err != nil {
			return fmt.Errorf("watch the registry: %w", err)
		}
	}
	c.running.Go(c.poll.run)
	return nil
}

// notify takes the registry's news. They are cues: what they say counts once
// the store has it, too.
func (c *Catalog) notify(event registry.Event) {
	key := event.Key
	if key.IsZero() && event.API != nil {
		key = contract.KeyOf(event.API)
	}
	if key.IsZero() { // news may have been lost
		for e := range c.table.all() {
			e.mu.Lock()
			e.reconsider()
			e.mu.Unlock()
		}
		c.poll.askAll()
		return
	}
	e := c.table.get(key)
	if e == nil {
		return // nobody has called it
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.gone || !e.followed {
		return
	}
	if api := event.API; api != nil && contract.KeyOf(api) == key && !e.cue(api) {
		return // the same again, or late
	}
	e.reconsider()
	c.poll.ask(e, time.Now())
}

// cue takes an announced state, and reports whether the store is to be asked.
// The entry's mutex is held.
func (e *entry) cue(api *mqrpcv1.Api) bool {
	head := registry.HeadOf(api)
	r := &e.registry
	switch {
	case head == r.head, head == r.rejected, head.Sequence < r.head.Sequence:
		return false
	case head.Sequence > r.head.Sequence:
		r.cue = cue{api: api, head: head, since: time.Now()}
	}
	return true // two writers have met, if the sequence is the same
}
