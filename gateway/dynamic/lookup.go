package dynamic

import (
	"context"
	"errors"
	"fmt"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/mqrpc/mqrpc/contract"
	mqrpcv1 "github.com/mqrpc/mqrpc/proto/mqrpc/v1"
	"github.com/mqrpc/mqrpc/registry"
	"github.com/mqrpc/mqrpc/runtime"
)

// failedFor bounds how long a lookup that failed is remembered: what was down
// may be back.
const failedFor = time.Second

// lookupTries is how often a lookup asks, because there was news while it asked.
const lookupTries = 3

// run waits for its turn, looks an API up, and remembers if there is none. The
// context ends when nobody waits for it any more before it begins.
func (a *APIs) run(ctx context.Context, l *lookup) {
	select {
	case a.loads.slots <- struct{}{}:
		defer func() { <-a.loads.slots }()
	case <-ctx.Done():
	}
	if !a.loads.begin(ctx, l) {
		a.loads.finish(l, errClosed)
		return
	}
	announced := a.instances.serve(l.key)
	if !announced && !a.budget.take() {
		a.counters.refused.Add(1)
		a.loads.finish(l, errBusy)
		return
	}
	a.counters.lookups.Add(1)
	err := a.find(a.ctx, l.key)
	for try := 1; err != nil && !a.loads.finishInVain(l, err, func() { a.remember(l.key, err) }); try++ {
		if try == lookupTries {
			a.loads.finish(l, err)
			return
		}
		err = a.find(a.ctx, l.key)
	}
	if err != nil {
		a.followUnknown(l.key)
		return
	}
	if !announced {
		a.budget.giveBack()
	}
	a.loads.finish(l, nil)
	a.checkRevision(l.key)
}

// remember keeps for a while that a lookup was in vain.
func (a *APIs) remember(key contract.Key, err error) {
	if a.ctx.Err() != nil {
		return
	}
	last := a.config.UnknownFor
	if errors.Is(err, errAbsent) || errors.Is(err, errDeleted) {
		a.counters.notFound.Add(1)
	} else {
		a.counters.failed.Add(1)
		last = min(last, failedFor)
	}
	a.unknown.put(key, err, last)
}

// find brings an API into the table, from the first that has it:
//
//   - the registry's store;
//   - while that does not answer, what the snapshot has from it, since it
//     comes with the policy;
//   - a worker that describes itself;
//   - what the snapshot has at all, unless the registry and the workers' queue
//     are sure that there is no such API.
//
// errAbsent and errDeleted are certain; any other error means that somebody did
// not answer.
func (a *APIs) find(ctx context.Context, key contract.Key) error {
	stored := a.fromStore(ctx, key)
	if stored == nil || errors.Is(stored, errDeleted) {
		return stored
	}
	storeDown := !errors.Is(stored, errAbsent)
	if storeDown && a.fromSnapshot(key, 1) == nil {
		return nil
	}
	described := a.fromWorker(ctx, key)
	if described == nil {
		return nil
	}
	absent := errors.Is(described, errAbsent)
	if absent && !storeDown && a.follower != nil {
		return errAbsent
	}
	kept := a.fromSnapshot(key, 0)
	switch {
	case kept == nil:
		return nil
	case absent && !storeDown:
		return errAbsent
	case absent:
		return stored
	case !storeDown:
		return described
	}
	return errors.Join(stored, described)
}

// fromStore loads an API from the registry and follows it there.
func (a *APIs) fromStore(ctx context.Context, key contract.Key) error {
	if a.follower == nil {
		return errAbsent
	}
	ctx, cancel := context.WithTimeout(ctx, a.store.patience(a.config.StepTimeout))
	defer cancel()
	for {
		err := a.follower.Load(ctx, key)
		switch {
		case err == nil && a.table.get(key) != nil:
			a.counters.fromRegistry.Add(1)
			return nil
		case err == nil:
			// It followed the API and yet had dropped it: begin anew.
			a.follower.Forget(key)
			if ctx.Err() != nil {
				return context.Cause(ctx)
			}
		case errors.Is(err, errDeleted):
			return errDeleted
		case errors.Is(err, registry.ErrNotFound):
			return errAbsent
		default:
			return fmt.Errorf("registry: %w", err)
		}
	}
}

// fromWorker asks a worker for its own description.
func (a *APIs) fromWorker(ctx context.Context, key contract.Key) error {
	api, err := a.describe(ctx, key)
	if err != nil {
		return err
	}
	if err := a.adopt(api, FromWorker); err != nil {
		return fmt.Errorf("the worker's description: %w", err)
	}
	a.counters.fromWorker.Add(1)
	return nil
}

// describe is a worker's description as an API that the registry does not hold.
// errAbsent: there is no worker.
func (a *APIs) describe(ctx context.Context, key contract.Key) (*mqrpcv1.Api, error) {
	if a.config.Caller == nil {
		return nil, errAbsent
	}
	ctx, cancel := context.WithTimeout(ctx, a.config.StepTimeout)
	defer cancel()
	a.counters.describes.Add(1)
	response, err := runtime.Describe(ctx, a.config.Caller, key.Module, key.Version)
	if errors.Is(err, runtime.ErrNoQueue) {
		return nil, errAbsent
	}
	if err != nil {
		return nil, fmt.Errorf("the worker of %s does not describe itself: %w", key, err)
	}
	api := &mqrpcv1.Api{
		Module:   response.GetModule(),
		Version:  response.GetVersion(),
		Revision: response.GetRevision(),
		Files:    response.GetFiles(),
	}
	if found := contract.KeyOf(api); found != key {
		return nil, fmt.Errorf("the worker of %s describes %s", key, found)
	}
	// What the registry holds counts from 1; the rest of the rules are the same.
	numbered := &mqrpcv1.Api{Sequence: 1}
	proto.Merge(numbered, api)
	if err := registry.Validate(numbered); err != nil {
		return nil, fmt.Errorf("the worker's description: %w", err)
	}
	return api, nil
}

// fromSnapshot takes what the snapshot keeps, if its sequence is that or
// greater.
func (a *APIs) fromSnapshot(key contract.Key, sequence int64) error {
	if a.config.Snapshot == nil {
		return errAbsent
	}
	api, put, err := a.config.Snapshot.Get(key)
	switch {
	case errors.Is(err, registry.ErrNotFound):
		return errAbsent
	case err != nil:
		a.counters.snapshotFailures.Add(1)
		a.config.Logger.Error("dynamic: the snapshot of an API cannot be used", "api", key.String(), "error", err)
		return err
	case api.GetDeleted() || api.GetSequence() < sequence:
		return errAbsent
	}
	if err := a.adopt(api, FromSnapshot); err != nil {
		a.counters.snapshotFailures.Add(1)
		return err
	}
	a.config.Logger.Warn("dynamic: an API is served as the snapshot has it",
		"api", key.String(), "revision", api.GetRevision(), "kept", put)
	a.counters.fromSnapshot.Add(1)
	return nil
}
