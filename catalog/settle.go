package catalog

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/mqrpc/mqrpc/contract"
	"github.com/mqrpc/mqrpc/contract/compat"
	mqrpcv1 "github.com/mqrpc/mqrpc/proto/mqrpc/v1"
)

// settle decides what is in effect for an API, by what is known of it, brings
// that into effect, and tells who must know.
func (c *Catalog) settle(e *entry) {
	e.mu.Lock()
	held, running, served := e.registry, e.running(), e.served()
	e.mu.Unlock()
	if held.head.Deleted && e.static == nil {
		c.withdraw(e, &held)
		return
	}
	next := e.judge(&held, running)
	if next == nil {
		return // nobody says anything
	}
	next.missing = e.contracts.missingServices(served)
	c.build(e, next, &held)
	c.install(e, next)
	c.admit(e, next)
}

// judge decides which revision is in effect, and what is to be said of the
// others; nil if there is none.
func (e *entry) judge(held *registered, running []string) *state {
	all := &e.contracts
	choice := candidates{succeeds: all.succession}
	if all.of(held.head.Revision) != nil {
		choice.registry = held.head.Revision
	}
	if held.pinned {
		choice.pinned = choice.registry
	}
	if e.static != nil && all.of(all.last) != nil {
		choice.pinned = all.last
	}
	for _, revision := range bounded(running) {
		if all.of(revision) != nil {
			choice.running = append(choice.running, revision)
		}
	}
	decided := choice.decide()
	next := &state{
		revision: decided.inEffect, registry: held.head, pinned: choice.pinned != "",
		disagreement: decided.disagreement, since: time.Now(),
	}
	switch {
	case e.static != nil:
		next.revision, next.origin = all.last, FromStatic
	case next.revision == "":
		next.revision, next.origin = all.last, all.lastOrigin // nobody says anything else
	case next.revision == choice.registry:
		next.origin = held.origin
	default:
		next.origin = FromWorker
	}
	if next.revision == "" && e.static == nil {
		return nil
	}
	all.last, all.lastOrigin = next.revision, next.origin
	next.refused = make(map[string]string, len(decided.refused))
	for _, revision := range decided.refused {
		next.refused[revision] = reason(all.breaks(next.revision, revision))
	}
	next.unread = all.unread(running)
	all.prune(append(running, next.revision, held.head.Revision)...)
	return next
}

// maxReason bounds how much is said of what a contract breaks.
const maxReason = 10

func reason(breaks []compat.Break) string {
	text := compat.Lines(breaks[:min(len(breaks), maxReason)])
	if more := len(breaks) - maxReason; more > 0 {
		text += fmt.Sprintf("\nand %d more", more)
	}
	return text
}

// build makes a state ready for calls. The API stays the same while nothing has
// changed for its callers.
func (c *Catalog) build(e *entry, next *state, held *registered) {
	if before := e.now.Load(); before != nil && before.api != nil &&
		before.revision == next.revision && before.registry.Digest == next.registry.Digest {
		next.api, next.problems = before.api, before.problems
		return
	}
	next.api = &API{Module: e.key.Module, Version: e.key.Version, Calls: &e.calls}
	if e.static != nil {
		next.api.Services, next.api.Resolver = e.static.Services, e.static.Resolver
	} else {
		known := e.contracts.of(next.revision)
		next.api.Services, next.api.Resolver = known.services, known.contract.Resolver()
	}
	if !held.head.Deleted {
		next.api.Policy = held.policy
	}
	for _, problem := range next.api.PolicyProblems(c.config.JSON) {
		next.problems = append(next.problems, problem.Error())
	}
}

// install brings a state into effect.
func (c *Catalog) install(e *entry, next *state) {
	before := e.now.Load()
	if before != nil && before.sameAs(next) {
		return
	}
	e.mu.Lock()
	e.absent = absence{}
	if before == nil {
		e.used.Store(time.Now().UnixNano())
	}
	e.now.Store(next)
	c.table.count(e)
	e.mu.Unlock()
	c.tell(e, before, next)
	c.keepDescribed(e, next)
	if before == nil && c.table.loaded.Load() > int64(c.config.Limits.Loaded) {
		signal(c.crowded)
	}
	if before != nil && before.api != next.api {
		c.counters.replaced.Add(1)
	}
	if c.config.Changed != nil && (before == nil || before.changedTo(next)) {
		c.config.Changed(Change{Key: e.key, Origin: next.origin, Revision: next.revision, Registry: next.registry})
	}
}

func (s *state) changedTo(next *state) bool {
	return s.revision != next.revision || s.origin != next.origin || s.registry != next.registry
}

func (s *state) sameAs(next *state) bool {
	return s.api == next.api && !s.changedTo(next) && s.disagreement == next.disagreement &&
		maps.Equal(s.refused, next.refused) && maps.Equal(s.unread, next.unread) && maps.EqualFunc(s.missing, next.missing, slices.Equal)
}

// withdraw takes an API out of effect that the registry has deleted.
func (c *Catalog) withdraw(e *entry, held *registered) {
	e.mu.Lock()
	before := e.now.Swap(nil)
	if before != nil {
		e.absent = absence{err: errDeleted, until: time.Now().Add(c.config.UnknownFor)}
	}
	c.table.count(e)
	e.mu.Unlock()
	if before == nil {
		return
	}
	c.counters.replaced.Add(1)
	if c.config.Changed != nil {
		c.config.Changed(Change{Key: e.key, Registry: held.head})
	}
}

// keep writes what the registry holds of an API to the snapshot.
func (c *Catalog) keep(api *mqrpcv1.Api) {
	if c.keeper != nil {
		c.keeper.put(api)
	}
}

// keepDescribed writes a worker's own description to the snapshot, for the time
// when neither the registry nor a worker says anything.
func (c *Catalog) keepDescribed(e *entry, next *state) {
	known := e.contracts.of(next.revision)
	if next.origin != FromWorker || known == nil || known.files == nil {
		return
	}
	if next.registry.Sequence == 0 {
		c.keep(&mqrpcv1.Api{Module: e.key.Module, Version: e.key.Version, Revision: next.revision, Files: known.files})
	}
	known.files = nil
}

// tell logs what has changed for an API and what does not go together.
func (c *Catalog) tell(e *entry, before, next *state) {
	if before == nil {
		before = &state{revision: next.revision}
	}
	logger := c.config.Logger.With("api", e.key.String(), "revision", next.revision, "origin", string(next.origin))
	if before.revision != next.revision {
		logger.Info("catalog: another revision of an API is in effect", "before", before.revision)
	}
	if next.disagreement != Agreed && (next.disagreement != before.disagreement || next.revision != before.revision) {
		logger.Warn("catalog: the revisions of an API do not agree which one is in effect", "disagreement", string(next.disagreement))
	}
	for _, revision := range slices.Sorted(maps.Keys(next.refused)) {
		if before.refused[revision] == "" {
			logger.Error("catalog: instances are refused: their contract breaks the one in effect",
				"refused", revision, "breaks", next.refused[revision])
		}
	}
	tellNew(before.unread, next.unread, func(revision, why string) {
		logger.Warn("catalog: the contract of some instances is not known, they are passed over", "unread", revision, "error", why)
	}, func(more int) {
		logger.Warn("catalog: the contracts of more instances are not known", "more", more)
	})
	tellNew(before.missing, next.missing, func(name string, missing []string) {
		logger.Warn("catalog: an instance does not serve all services of its contract: calls of the others fail when they come to it",
			"instance", name, "missing", strings.Join(missing, ", "))
	}, func(more int) {
		logger.Warn("catalog: more instances do not serve all services of their contracts", "more", more)
	})
	if before.api != next.api {
		for _, problem := range next.problems {
			logger.Error("catalog: a part of a policy is invalid and left out", "error", problem)
		}
	}
}

// maxTold is how many instances or revisions are told of one by one.
const maxTold = 10

// tellNew tells of what is new, one by one up to a bound, and how much more there
// is.
func tellNew[V any](before, next map[string]V, each func(string, V), rest func(more int)) {
	told, more := 0, 0
	for _, name := range slices.Sorted(maps.Keys(next)) {
		switch _, known := before[name]; {
		case known:
		case told < maxTold:
			told++
			each(name, next[name])
		default:
			more++
		}
	}
	if more > 0 {
		rest(more)
	}
}

// admit tells instances whether they are refused, as far as they seem not to
// know. While the registry has not answered, nobody is: its contract may be
// another one.
func (c *Catalog) admit(e *entry, next *state) {
	if c.config.Workers == nil {
		return
	}
	e.mu.Lock()
	sure := c.store == nil || e.registry.answered
	var told []Instance
	for name, known := range e.instances {
		refused := next.refused[known.Revision] != ""
		waits := refused == known.refusal && time.Since(known.told) < tellAgain
		if sure && !waits && next.isNewsTo(known.Instance) {
			e.instances[name] = instance{Instance: known.Instance, told: time.Now(), refusal: refused}
			told = append(told, known.Instance)
		}
	}
	e.mu.Unlock()
	// One limit for all: who was not told is told at its next claim.
	ctx, cancel := context.WithTimeout(c.ctx, c.config.StepTimeout)
	defer cancel()
	for _, known := range told {
		if ctx.Err() != nil {
			return
		}
		c.sendAdmission(ctx, e.key, known, next)
	}
}

// tellAgain is how long an instance has to heed what it was told before it is
// told the same again.
const tellAgain = time.Second

func (c *Catalog) sendAdmission(ctx context.Context, key contract.Key, to Instance, now *state) {
	reason, refused := now.refused[to.Revision]
	err := c.config.Workers.Admit(ctx, key, to.Instance, &mqrpcv1.Admission{
		Revision: to.Revision, Refused: refused, InEffect: now.revision, Reason: reason,
	})
	if err != nil && c.ctx.Err() == nil {
		c.config.Logger.Warn("catalog: an instance could not be told whether it is refused",
			"api", key.String(), "instance", to.Instance, "error", err)
	}
}
