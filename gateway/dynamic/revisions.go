package dynamic

import (
	"context"
	"sync"

	"github.com/mqrpc/mqrpc/contract"
)

// describeTries is how many workers are asked for one revision. All of them
// share a queue, so that in a rolling upgrade any of them may answer; the next
// announcement asks again.
const describeTries = 16

// revisions are the changes of revision under way, at most one for each API. The
// zero value is ready.
type revisions struct {
	mu    sync.Mutex
	under map[contract.Key]bool
}

func (r *revisions) begin(key contract.Key) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.under[key] {
		return false
	}
	if r.under == nil {
		r.under = make(map[contract.Key]bool)
	}
	r.under[key] = true
	return true
}

func (r *revisions) end(key contract.Key) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.under, key)
}

// checkRevision fetches another revision of an API if workers say what it is and
// the one that started last serves another one than is in effect. An API that
// the registry holds changes when the registry says so, whatever its workers
// serve.
func (a *APIs) checkRevision(key contract.Key) {
	if !a.outdated(key) || a.config.Caller == nil || !a.revisions.begin(key) {
		return
	}
	if !a.loads.goOn(func() {
		a.work.Go(func() {
			defer a.revisions.end(key)
			a.fetchRevision(key)
		})
	}) {
		a.revisions.end(key)
	}
}

func (a *APIs) outdated(key contract.Key) bool {
	e := a.table.get(key)
	if e == nil || !e.fromWorkers() {
		return false
	}
	newest := a.instances.newest(key)
	return newest != "" && newest != e.state.Load().revision
}

// fetchRevision asks workers until one with the revision answers.
func (a *APIs) fetchRevision(key contract.Key) {
	select {
	case a.loads.slots <- struct{}{}:
		defer func() { <-a.loads.slots }()
	case <-a.ctx.Done():
		return
	}
	for range describeTries {
		if !a.outdated(key) || a.ctx.Err() != nil {
			return
		}
		if a.fetchOnce(a.ctx, key) {
			return
		}
	}
}

// fetchOnce asks one worker, and reports whether there is no use in asking
// another one now.
func (a *APIs) fetchOnce(ctx context.Context, key contract.Key) bool {
	api, err := a.describe(ctx, key)
	if err != nil {
		a.config.Logger.Warn("dynamic: a new revision of an API cannot be fetched; trying again with the next announcement",
			"api", key.String(), "error", err)
		return true
	}
	if api.GetRevision() != a.instances.newest(key) {
		return false
	}
	e := a.table.get(key)
	if e == nil {
		return true
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if !e.fromWorkers() {
		return true // the registry has taken over
	}
	next, err := a.build(e, api, FromWorker)
	if err != nil {
		a.config.Logger.Error("dynamic: a new revision of an API cannot be used, the one before stays",
			"api", key.String(), "revision", api.GetRevision(), "error", err)
		return true
	}
	a.replace(e, next)
	a.keep(api, FromWorker)
	a.config.Logger.Info("dynamic: an API has another revision", "api", key.String(), "revision", next.revision)
	return true
}
