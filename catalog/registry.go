package catalog

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/mqrpc/mqrpc/contract"
	mqrpcv1 "github.com/mqrpc/mqrpc/proto/mqrpc/v1"
	"github.com/mqrpc/mqrpc/registry"
)

// downPatience is how long a lookup waits for a store that did not answer the
// last time.
const downPatience = 250 * time.Millisecond

// store is the registry's store, with a limit for each query. It notes whether
// the store answers.
type store struct {
	of      registry.Store
	timeout time.Duration // of a query

	queries atomic.Int64

	mu    sync.Mutex
	err   error
	since time.Time
}

// load reads what the registry holds of an API, a tombstone perhaps. errAbsent
// is certain; any other error means that the store could not say.
func (s *store) load(ctx context.Context, key contract.Key, timeout time.Duration) (*mqrpcv1.Api, error) {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	s.queries.Add(1)
	api, err := s.of.Load(ctx, key)
	s.asked(err)
	switch {
	case errors.Is(err, registry.ErrNotFound):
		return nil, errAbsent
	case err != nil:
		return nil, fmt.Errorf("registry: load %s: %w", key, err)
	}
	if err := registry.Validate(api); err != nil {
		return nil, fmt.Errorf("registry: load %s: %w: %w", key, registry.ErrCorrupt, err)
	}
	if found := contract.KeyOf(api); found != key {
		return nil, fmt.Errorf("registry: load %s: %w: it is about %s", key, registry.ErrCorrupt, found)
	}
	return api, nil
}

// heads reads what the registry holds of some APIs, in short.
func (s *store) heads(ctx context.Context, keys []contract.Key) (map[contract.Key]registry.Head, error) {
	ctx, cancel := context.WithTimeout(ctx, s.timeout)
	defer cancel()
	s.queries.Add(1)
	heads, err := s.of.Heads(ctx, keys)
	s.asked(err)
	if err != nil {
		return nil, err
	}
	found := make(map[contract.Key]registry.Head, len(heads))
	for _, head := range heads {
		found[head.Key] = head
	}
	return found, nil
}

// down reports whether an error means that the store has not answered.
func down(err error) bool {
	return errors.Is(err, registry.ErrUnavailable) || errors.Is(err, context.DeadlineExceeded)
}

// asked notes whether the store has answered.
func (s *store) asked(err error) {
	if !down(err) {
		err = nil // whatever it said, it said something
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.since.IsZero() || (err == nil) != (s.err == nil) {
		s.since = time.Now()
	}
	s.err = err
}

// health is why the store did not answer the last time, nil if it did, and since
// when that is so.
func (s *store) health() (err error, since time.Time) { //nolint:revive,staticcheck // the error is what is asked for, not how asking went
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.err, s.since
}

// patience is how long a lookup waits for the store.
func (s *store) patience(step time.Duration) time.Duration {
	if err, _ := s.health(); err != nil {
		return min(step, downPatience)
	}
	return step
}

// consult asks the registry for an API that is being looked up, and follows it
// from then on: it follows first and reads second, so that no change falls in
// between. It returns nil if the registry holds the API; errAbsent and errDeleted
// are certain. errDropped: nobody waits for it any more.
func (c *Catalog) consult(e *entry, l *lookup) error {
	if c.store == nil {
		return errAbsent
	}
	if !c.take(l.dropped) {
		return errDropped
	}
	defer c.give()
	if !e.begin(l) {
		return errDropped
	}
	c.follow(e.key)
	api, err := c.store.load(c.ctx, e.key, c.store.patience(c.config.StepTimeout))
	if err == nil {
		err = c.hold(e, api)
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if err == nil || errors.Is(err, errAbsent) {
		e.registry.answered = true
	}
	switch {
	case err == nil && api.GetDeleted():
		return errDeleted
	case err == nil:
		// A change may have been announced before it was followed here, and
		// saved after it was read.
		c.recheck(e)
	}
	return err
}

// recheck has the store asked once more later. Rechecks wait a little for one
// another, so that many make one query. The entry's mutex is held.
func (c *Catalog) recheck(e *entry) {
	after := c.config.Follow.ConfirmAfter
	e.registry.recheck = time.Now().Add(after + after/10).Truncate(max(after/10, 1))
	c.poll.ask(e, e.registry.recheck)
}

// follow has the changes of an API told. If that cannot be now, it says so later
// by an event, and the poll is there in any case.
func (c *Catalog) follow(key contract.Key) {
	if c.watch == nil {
		return
	}
	ctx, cancel := context.WithTimeout(c.ctx, c.config.StepTimeout)
	defer cancel()
	if err := c.watch.Follow(ctx, key); err != nil && c.ctx.Err() == nil {
		c.config.Logger.Warn("catalog: changes of an API may come late: it cannot be followed now", "api", key.String(), "error", err)
	}
}

// hold takes what the registry holds of an API. If its contract cannot be used,
// what was held before stays.
func (c *Catalog) hold(e *entry, api *mqrpcv1.Api) error {
	head := registry.HeadOf(api)
	var failed error
	if !head.Deleted && e.static == nil {
		_, failed = e.contracts.link(c.ctx, e.key, head.Revision, api.GetFiles())
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if failed != nil {
		e.registry.rejected = head
		c.config.Logger.Error("catalog: a state of an API in the registry cannot be used, the one before stays",
			"api", e.key.String(), "sequence", head.Sequence, "revision", head.Revision, "error", failed)
		return fmt.Errorf("registry: %w", failed)
	}
	r := &e.registry
	r.origin, r.answered, r.head, r.rejected = FromRegistry, true, head, registry.Head{}
	r.pinned, r.policy = api.GetPinned(), api.GetPolicy()
	c.keep(api)
	return nil
}

// refresh reads anew what the registry holds of an API that is followed, or
// takes it from an announcement that the store has confirmed.
func (c *Catalog) refresh(e *entry) {
	e.mu.Lock()
	announced := e.registry.cue
	if announced.saved {
		e.registry.cue = cue{}
	}
	e.mu.Unlock()
	if announced.saved && registry.Validate(announced.api) == nil && c.take(nil) {
		defer c.give()
		_ = c.hold(e, announced.api) // it is logged
		return
	}
	if !c.take(nil) {
		return
	}
	defer c.give()
	api, err := c.store.load(c.ctx, e.key, c.config.Follow.QueryTimeout)
	switch {
	case err == nil:
		_ = c.hold(e, api) // it is logged
		return
	case errors.Is(err, errAbsent):
		e.mu.Lock()
		defer e.mu.Unlock()
		e.registry.answered = true
		return
	case c.ctx.Err() == nil:
		c.config.Logger.Warn("catalog: a changed API cannot be loaded, the state before stays in effect", "api", e.key.String(), "error", err)
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if down(err) {
		c.poll.ask(e, time.Now().Add(firstBackoff))
		return
	}
	c.recheck(e)
}
