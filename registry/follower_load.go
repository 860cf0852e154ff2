package registry

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/mqrpc/mqrpc/contract"
	mqrpcv1 "github.com/mqrpc/mqrpc/proto/mqrpc/v1"
)

// Load sees to it that an API is loaded and followed. When it returns nil, the
// API's state has been applied; it does nothing if that was so before. However
// many callers wait for an API, the store is asked once.
//
// ErrNotFound: the store has no such API, or it is deleted; it is not followed.
// ErrUnavailable: the store did not answer. Apply's error is returned as it is.
// When ctx ends, Load returns its error, and the loading goes on for others.
func (f *Follower) Load(ctx context.Context, key contract.Key) error {
	if err := key.Check(); err != nil {
		return fmt.Errorf("%w: %w", ErrInvalid, err)
	}
	if loaded, err := f.loaded(key); loaded {
		return err
	}
	done := f.loads.DoChan(key.String(), func() (any, error) {
		if !f.begin() {
			return nil, ErrClosed
		}
		defer f.work.Done()
		return nil, f.load(key)
	})
	select {
	case result := <-done:
		return result.Err
	case <-ctx.Done():
		return fmt.Errorf("load %s: %w", key, context.Cause(ctx))
	}
}

// begin counts one more piece of work, unless the follower is closed.
func (f *Follower) begin() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.closed {
		return false
	}
	f.work.Add(1)
	return true
}

// loaded reports whether a state of the API is in effect; a tombstone is, too,
// with ErrNotFound.
func (f *Follower) loaded(key contract.Key) (bool, error) {
	e := f.entryOf(key, false)
	if e == nil {
		return false, nil
	}
	head := e.current()
	switch {
	case head.IsZero():
		return false, nil
	case head.Deleted:
		return true, fmt.Errorf("%s is deleted: %w", key, ErrNotFound)
	}
	return true, nil
}

// load follows first and reads second, so that no change falls in between.
func (f *Follower) load(key contract.Key) error {
	for {
		if loaded, err := f.loaded(key); loaded {
			return err
		}
		e := f.entryOf(key, true)
		if e == nil {
			return ErrClosed
		}
		if err := f.loadEntry(e); !errors.Is(err, errGone) {
			return err
		}
	}
}

func (f *Follower) loadEntry(e *entry) error {
	f.follow(e.key)
	api, tick, err := f.read(e.key)
	if err == nil && api.GetDeleted() {
		err = fmt.Errorf("%s is deleted: %w", e.key, ErrNotFound)
	}
	if err == nil {
		err = f.applyStored(e, api, tick)
	}
	if err == nil {
		f.askIfMissed(e)
		return nil
	}
	f.abandon(e)
	if head := e.current(); !head.IsZero() && !head.Deleted {
		return nil // an announcement has brought it meanwhile
	}
	return err
}

// askIfMissed has the store asked again if news came without a state while it
// was read.
func (f *Follower) askIfMissed(e *entry) {
	e.mu.Lock()
	again := e.again
	e.again = false
	e.mu.Unlock()
	if again {
		f.ask(e.key)
	}
}

// abandon removes an entry that has no state.
func (f *Follower) abandon(e *entry) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.head.IsZero() {
		f.remove(e)
	}
}

// Adopt puts a state into effect that comes from elsewhere, a snapshot or a
// worker's description, and follows its API from there: the store is asked as
// soon as it answers, and what it has wins, unless it has nothing. The sequence
// of a state that no store has ever held is 0. Adopt does nothing if a state of
// the API is in effect already. It applies the state before it returns and
// waits for nothing else.
func (f *Follower) Adopt(api *mqrpcv1.Api) error {
	key := contract.KeyOf(api)
	if err := key.Check(); err != nil {
		return fmt.Errorf("%w: %w", ErrInvalid, err)
	}
	if !f.begin() {
		return ErrClosed
	}
	defer f.work.Done()
	for {
		e := f.entryOf(key, true)
		if e == nil {
			return ErrClosed
		}
		err := f.adopt(e, api)
		if errors.Is(err, errGone) {
			continue
		}
		if err != nil {
			f.abandon(e)
			return err
		}
		break
	}
	if f.begin() {
		go func() {
			defer f.work.Done()
			f.follow(key)
			f.ask(key)
		}()
	}
	return nil
}

func (f *Follower) adopt(e *entry, api *mqrpcv1.Api) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	switch {
	case e.gone:
		return errGone
	case !e.head.IsZero():
		return nil
	}
	if err := f.put(e, api); err != nil {
		return err
	}
	e.adopted = true
	return nil
}

// follow makes the watch deliver a key's changes. If it cannot now, it says so
// later by an event, and the poll is there in any case.
func (f *Follower) follow(key contract.Key) {
	if f.watch == nil {
		return
	}
	ctx, cancel := context.WithTimeout(f.ctx, f.config.QueryTimeout)
	defer cancel()
	if err := f.watch.Follow(ctx, key); err != nil && f.ctx.Err() == nil {
		f.config.Logger.Warn("registry: changes of an API may come late: it cannot be followed now",
			"api", key.String(), "error", err)
	}
}

// unfollow undoes follow. It runs in a goroutine of its own, since it is called
// while events wait, and so it may come after the next follow.
func (f *Follower) unfollow(key contract.Key) {
	defer f.work.Done()
	f.watch.Unfollow(key)
	if f.entryOf(key, false) != nil {
		f.follow(key)
		f.ask(key)
	}
}

// read loads an API from the store. The tick says when the read began.
func (f *Follower) read(key contract.Key) (*mqrpcv1.Api, int64, error) {
	ctx, cancel := context.WithTimeout(f.ctx, f.config.QueryTimeout)
	defer cancel()
	tick := f.tick.Add(1)
	f.count(func(h *Health) { h.Loads++ })
	api, err := f.config.Store.Load(ctx, key)
	err = f.storeError(err)
	f.asked(err)
	if err != nil {
		return nil, tick, fmt.Errorf("load %s: %w", key, err)
	}
	if err := Validate(api); err != nil {
		return nil, tick, fmt.Errorf("load %s: %w: %w", key, ErrCorrupt, err)
	}
	return api, tick, nil
}

// storeError makes a passed time limit what it is: a store that is away.
func (f *Follower) storeError(err error) error {
	switch {
	case err == nil, errors.Is(err, ErrUnavailable):
		return err
	case f.ctx.Err() != nil:
		return fmt.Errorf("%w: %w", ErrClosed, err)
	case errors.Is(err, context.DeadlineExceeded):
		return fmt.Errorf("%w: no answer in %s: %w", ErrUnavailable, f.config.QueryTimeout.Round(time.Millisecond), err)
	}
	return err
}

func (f *Follower) count(add func(*Health)) {
	f.mu.Lock()
	defer f.mu.Unlock()
	add(&f.health)
}
