package catalog

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/mqrpc/mqrpc/contract"
	"github.com/mqrpc/mqrpc/registry"
)

// failedFor bounds how long a lookup that failed is remembered: what was down
// may be back.
const failedFor = time.Second

// lookupTries is how often a lookup asks, because there was news while it asked.
const lookupTries = 3

// ErrBusy says that an API was not looked up, since too many unknown names are.
var ErrBusy = errors.New("too many unknown APIs are asked for now; try again in a second")

// Why an API is not there. errAbsent is certain; errDeleted is, too.
var (
	errAbsent  = errors.New("there is none")
	errDeleted = errors.New("the registry has deleted it")
	errClosed  = errors.New("the gateway is stopping")
	errDropped = errors.New("nobody waits any more")
)

// Loaded returns the API (module, version) if it is loaded, else nil. It takes
// no lock.
func (c *Catalog) Loaded(module, version string) *API {
	if e := c.table.get(contract.Key{Module: module, Version: version}); e != nil {
		if now := e.use(); now != nil {
			return now.api
		}
	}
	return nil
}

// API returns the API (module, version). It loads it if nobody has called it
// yet, within the context. [ErrUnknownModule] and [ErrUnknownVersion] say that
// there is none; any other error says that this could not be found out.
//
// The same pointer says that nothing has changed. Requests under way finish with
// the one that they have found.
func (c *Catalog) API(ctx context.Context, module, version string) (*API, error) {
	if loaded := c.Loaded(module, version); loaded != nil {
		return loaded, nil
	}
	switch {
	case contract.CheckModule(module) != nil:
		return nil, ErrUnknownModule
	case contract.CheckVersion(version) != nil:
		return nil, ErrUnknownVersion
	}
	key := contract.Key{Module: module, Version: version}
	for {
		e, l, err := c.ask(key)
		if l != nil {
			err = e.wait(ctx, l)
		}
		if err != nil {
			return nil, c.explain(key, err)
		}
		if now := e.use(); now != nil {
			return now.api, nil
		}
	}
}

// ask returns what is to be waited for until an API is loaded: nothing if it is
// loaded, or known not to be there.
func (c *Catalog) ask(key contract.Key) (*entry, *lookup, error) {
	if c.table.get(key) == nil && c.exhausted() {
		return nil, nil, ErrBusy
	}
	e := c.table.lock(key)
	defer e.mu.Unlock()
	switch {
	case e.now.Load() != nil:
		return e, nil, nil
	case time.Now().Before(e.absent.until):
		return e, nil, e.absent.err
	case e.lookup == nil && len(e.instances) == 0 && c.exhausted():
		return nil, nil, ErrBusy
	case e.lookup == nil:
		e.lookup = &lookup{dropped: make(chan struct{}), done: make(chan struct{})}
		l := e.lookup
		if !c.want(e, find) {
			e.finish(errClosed)
			return e, l, nil
		}
	}
	e.lookup.waiting++
	return e, e.lookup, nil
}

// exhausted reports whether too many names have been looked up in vain lately.
func (c *Catalog) exhausted() bool {
	if c.budget.Tokens() >= 1 {
		return false
	}
	c.counters.refused.Add(1)
	return true
}

// explain turns what a lookup has found into what a gateway expects.
func (c *Catalog) explain(key contract.Key, err error) error {
	switch {
	case !certain(err):
		return fmt.Errorf("load: %w", err)
	case c.table.knowsModule(key.Module):
		return ErrUnknownVersion
	default:
		return ErrUnknownModule
	}
}

func certain(err error) bool { return errors.Is(err, errAbsent) || errors.Is(err, errDeleted) }

// find looks an API up for those who wait for it, and remembers if there is
// none.
func (c *Catalog) find(e *entry) {
	e.mu.Lock()
	if e.now.Load() != nil { // news have brought it
		e.finish(nil)
	}
	l, announced := e.lookup, len(e.instances) > 0
	e.followed = e.followed || l != nil
	e.mu.Unlock()
	if l == nil {
		return
	}
	var err error
	for try := 1; try == 1 || c.askAgain(e, err, try); try++ {
		if err = c.search(e, l); errors.Is(err, errDropped) {
			return
		}
	}
	c.counters.lookups.Add(1)
	if err != nil && !announced {
		c.budget.Reserve()
	}
	c.endLookup(e, err)
}

// askAgain reports whether a lookup is to search for so many times, as there was
// news while it did.
func (c *Catalog) askAgain(e *entry, err error, try int) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	news := e.news
	e.news = false
	if news && err == nil && c.poll != nil {
		c.poll.ask(e, time.Now())
	}
	return news && err != nil && try <= lookupTries && c.ctx.Err() == nil
}

// endLookup tells those who wait what has come of it.
func (c *Catalog) endLookup(e *entry, err error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	switch {
	case err == nil, e.now.Load() != nil:
		err = nil
		if c.store != nil && !e.registry.answered {
			c.poll.ask(e, time.Now()) // as soon as it answers
		}
	case certain(err):
		c.counters.notFound.Add(1)
		e.absent = absence{err: err, until: time.Now().Add(c.config.UnknownFor)}
	case c.ctx.Err() == nil:
		c.counters.failed.Add(1)
		e.absent = absence{err: err, until: time.Now().Add(min(c.config.UnknownFor, failedFor))}
	}
	e.finish(err)
}

// search brings an API into effect, from all that say something of it:
//
//   - the registry's store;
//   - while that does not answer, what the snapshot has from it, since it
//     comes with the policy;
//   - the workers, which describe themselves;
//   - what the snapshot has at all, unless the registry and the workers' queue
//     are sure that there is no such API.
func (c *Catalog) search(e *entry, l *lookup) error {
	stored := c.consult(e, l)
	switch {
	case errors.Is(stored, errDropped):
		return stored
	case errors.Is(stored, errDeleted):
		c.settle(e)
		return stored
	}
	held := stored
	if stored != nil && !errors.Is(stored, errAbsent) {
		held = c.recall(e, true)
	}
	described := c.learn(e, held != nil)
	kept := errAbsent
	if held != nil && described != nil && (c.store == nil || !errors.Is(absent(stored, described), errAbsent)) {
		kept = c.recall(e, false)
	}
	switch {
	case stored == nil:
		c.counters.fromRegistry.Add(1)
	case held == nil, kept == nil:
		c.counters.fromSnapshot.Add(1)
	case described == nil:
		c.counters.fromWorker.Add(1)
	default:
		return absent(stored, described)
	}
	c.settle(e)
	return nil
}

// absent is errAbsent if all of some answers are, else those that are not.
func absent(answers ...error) error {
	var failed []error
	for _, err := range answers {
		if !errors.Is(err, errAbsent) {
			failed = append(failed, err)
		}
	}
	if len(failed) == 0 {
		return errAbsent
	}
	return errors.Join(failed...)
}

// update brings an entry up to date that is followed: with what the registry
// holds, if that is another state than before, and with its instances.
func (c *Catalog) update(e *entry, todo task) {
	e.mu.Lock()
	wanted := e.followed && (e.now.Load() != nil || todo&reload != 0)
	e.mu.Unlock()
	if !wanted {
		return
	}
	if todo&reload != 0 {
		c.refresh(e)
	}
	_ = c.learn(e, false) // what is not known is told in the state
	c.settle(e)
}

// recall takes what the snapshot has of an API: of what the registry held, or
// anything.
func (c *Catalog) recall(e *entry, fromRegistry bool) error {
	if c.config.Snapshot == nil {
		return errAbsent
	}
	api, put, err := c.config.Snapshot.Get(e.key)
	if errors.Is(err, registry.ErrNotFound) {
		return errAbsent
	}
	if err == nil && (api.GetDeleted() || fromRegistry && api.GetSequence() == 0) {
		return errAbsent
	}
	if err == nil && e.static == nil {
		_, err = e.contracts.link(c.ctx, e.key, api.GetRevision(), api.GetFiles())
	}
	if err != nil {
		c.counters.snapshotFailures.Add(1)
		c.config.Logger.Error("catalog: the snapshot of an API cannot be used", "api", e.key.String(), "error", err)
		return fmt.Errorf("snapshot: %w", err)
	}
	c.config.Logger.Warn("catalog: an API is served as the snapshot has it",
		"api", e.key.String(), "revision", api.GetRevision(), "kept", put)
	if e.static == nil {
		e.contracts.last, e.contracts.lastOrigin = api.GetRevision(), FromSnapshot
	}
	if api.GetSequence() > 0 {
		e.mu.Lock()
		defer e.mu.Unlock()
		r := &e.registry
		r.origin, r.head, r.pinned, r.policy = FromSnapshot, registry.HeadOf(api), api.GetPinned(), api.GetPolicy()
	}
	return nil
}
