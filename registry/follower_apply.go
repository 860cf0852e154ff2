package registry

import (
	"errors"
	"fmt"
	"time"

	"github.com/mqrpc/mqrpc/contract"
	mqrpcv1 "github.com/mqrpc/mqrpc/proto/mqrpc/v1"
)

// notify takes the watch's events.
func (f *Follower) notify(event Event) {
	if event.Key.IsZero() && event.API == nil {
		f.askAll()
		f.reachable()
		return
	}
	key := event.Key
	if key.IsZero() {
		key = contract.KeyOf(event.API)
	}
	e := f.entryOf(key, false)
	if e == nil {
		return // not followed, or not any more
	}
	if event.API == nil {
		f.ask(key)
		return
	}
	if err := checkEvent(key, event.API); err != nil {
		f.config.Logger.Warn("registry: an announcement is wrong, the store is asked instead",
			"api", key.String(), "error", err)
		f.ask(key)
		return
	}
	f.applyAnnounced(e, event.API)
}

func checkEvent(key contract.Key, api *mqrpcv1.Api) error {
	if contract.KeyOf(api) != key {
		return fmt.Errorf("%w: it is about %s", ErrInvalid, contract.KeyOf(api))
	}
	return Validate(api)
}

// applyAnnounced takes a state that is, or is about to be, in the store.
func (f *Follower) applyAnnounced(e *entry, api *mqrpcv1.Api) {
	head := HeadOf(api)
	e.mu.Lock()
	defer e.mu.Unlock()
	switch {
	case e.gone, head == e.head, head == e.rejected, head.Sequence < e.head.Sequence:
		return // the same again, or late
	case head.Sequence == e.head.Sequence:
		f.ask(e.key) // two writers have met; one of them is in the store
		return
	}
	if err := f.put(e, api); err != nil {
		return
	}
	e.announced = time.Now()
	f.askLater(e.key)
}

// errGone: the entry was removed meanwhile.
var errGone = errors.New("not followed any more")

// applyStored takes a state that was read from the store; tick is when that
// read began.
func (f *Follower) applyStored(e *entry, api *mqrpcv1.Api, tick int64) error {
	head := HeadOf(api)
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.gone {
		return errGone
	}
	switch e.verdict(head, tick, f.config.ConfirmAfter) {
	case same:
		e.confirm(f.tick.Add(1))
	case newer:
		if head == e.rejected {
			return nil
		}
		if err := f.put(e, api); err != nil {
			return err
		}
		if !e.stored {
			f.askLater(e.key)
		}
		e.confirm(f.tick.Add(1))
	case older, pending:
	}
	return nil
}

// verdict is what a state in the store means for the one in effect.
type verdict int

const (
	same    verdict = iota // it is in effect
	newer                  // it must come into effect
	older                  // it was read before the one in effect was confirmed
	pending                // the one in effect may yet be saved
)

// verdict compares a head in the store, as read from tick on, with the one in
// effect.
func (e *entry) verdict(head Head, tick int64, confirmAfter time.Duration) verdict {
	switch {
	case head == e.head:
		return same
	case e.head.IsZero(), head.Sequence > e.head.Sequence:
		return newer
	case e.confirmed > tick:
		return older
	case e.confirmed == 0 && head.Sequence < e.head.Sequence && e.waits(confirmAfter):
		return pending
	}
	// The store holds something else at the same sequence, or has gone back: an
	// announced state was never saved, or a backup was restored. It is right.
	return newer
}

// waits reports whether an announced state may yet be saved.
func (e *entry) waits(confirmAfter time.Duration) bool {
	return !e.announced.IsZero() && time.Since(e.announced) < confirmAfter
}

func (e *entry) confirm(tick int64) {
	e.confirmed = tick
	e.stored = true
	e.announced = time.Time{}
	e.adopted = false
}

// put brings a state into effect. The entry's mutex is held.
func (f *Follower) put(e *entry, api *mqrpcv1.Api) error {
	head := HeadOf(api)
	if f.ctx.Err() != nil {
		return ErrClosed
	}
	if err := f.config.Apply(api); err != nil {
		e.rejected = head
		f.config.Logger.Error("registry: a new state of an API cannot be used, the one before stays",
			"api", e.key.String(), "sequence", head.Sequence, "revision", head.Revision, "error", err)
		return err
	}
	e.head = head
	e.rejected = Head{}
	e.confirmed = 0
	e.announced = time.Time{}
	e.adopted = false
	return nil
}

// applyAbsent takes the news that the store has never heard of the API.
func (f *Follower) applyAbsent(e *entry) {
	e.mu.Lock()
	defer e.mu.Unlock()
	switch {
	case e.gone, e.head.IsZero(), e.adopted, e.waits(f.config.ConfirmAfter):
		return
	case e.stored:
		e.announced = time.Time{}
		// A store never forgets an API. Whatever has become of it, taking all
		// APIs away from their callers would make it worse.
		f.config.Logger.Error("registry: the store has lost an API, which stays in effect", "api", e.key.String())
		return
	}
	f.config.Logger.Warn("registry: an API was announced and never saved, it is dropped", "api", e.key.String())
	tombstone := &mqrpcv1.Api{
		Module:   e.key.Module,
		Version:  e.key.Version,
		Sequence: e.head.Sequence,
		Deleted:  true,
	}
	_ = f.put(e, tombstone)
	f.remove(e)
}
