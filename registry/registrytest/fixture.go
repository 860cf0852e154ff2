package registrytest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/mqrpc/mqrpc/contract"
	mqrpcv1 "github.com/mqrpc/mqrpc/proto/mqrpc/v1"
	"github.com/mqrpc/mqrpc/registry"
	"github.com/mqrpc/mqrpc/registry/memory"
)

// fixture is one subtest's registry.
type fixture struct {
	t        *testing.T
	backend  Backend
	patience time.Duration
	lacks    map[Feature]string
	borrowed bool // the store is not the backend's
}

func newFixture(t *testing.T, h Harness) *fixture {
	t.Helper()
	f := &fixture{t: t, backend: h.New(t), patience: h.Patience, lacks: h.Lacks}
	if f.backend.Store == nil {
		f.borrowed = true
		shared := memory.New()
		t.Cleanup(func() { _ = shared.Close() })
		f.backend.Store = func(*testing.T) registry.Store { return keepOpen{shared} }
	}
	return f
}

// keepOpen is a store that several share.
type keepOpen struct{ registry.Store }

func (keepOpen) Close() error { return nil }

// store opens a connection of its own.
func (f *fixture) store() registry.Store {
	f.t.Helper()
	store := f.backend.Store(f.t)
	f.t.Cleanup(func() {
		if err := store.Close(); err != nil {
			f.t.Errorf("close the store: %v", err)
		}
	})
	return store
}

// notifier opens a connection of its own; nil if the backend has none.
func (f *fixture) notifier() registry.Notifier {
	f.t.Helper()
	if f.backend.Notifier == nil {
		return nil
	}
	notifier := f.backend.Notifier(f.t)
	f.t.Cleanup(func() {
		if err := notifier.Close(); err != nil {
			f.t.Errorf("close the notifier: %v", err)
		}
	})
	return notifier
}

// ctx bounds one operation.
func (f *fixture) ctx() context.Context {
	ctx, cancel := context.WithTimeout(f.t.Context(), f.patience)
	f.t.Cleanup(cancel)
	return ctx
}

// eventually waits until check returns nil.
func (f *fixture) eventually(what string, check func() error) {
	f.t.Helper()
	deadline := time.NewTimer(f.patience)
	defer deadline.Stop()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for {
		err := check()
		if err == nil {
			return
		}
		select {
		case <-deadline.C:
			f.t.Fatalf("%s: not after %s: %v", what, f.patience, err)
		case <-tick.C:
		}
	}
}

// pause waits a moment, for what does not happen at once or not at all.
func (f *fixture) pause() {
	timer := time.NewTimer(10 * time.Millisecond)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-f.t.Context().Done():
	}
}

// save saves, while the registry is unavailable again and again.
func (f *fixture) save(store registry.Store, api *mqrpcv1.Api) {
	f.t.Helper()
	f.eventually(fmt.Sprintf("save %s at %d", contract.KeyOf(api), api.GetSequence()), func() error {
		err := store.Save(f.ctx(), api)
		if err == nil || errors.Is(err, registry.ErrUnavailable) {
			return err
		}
		// What became of an attempt before this one?
		if now, loadErr := store.Load(f.ctx(), contract.KeyOf(api)); loadErr == nil && proto.Equal(now, api) {
			return nil
		}
		f.t.Fatalf("save %s at %d: %v", contract.KeyOf(api), api.GetSequence(), err)
		return nil
	})
}

// change announces and saves, as a publisher does.
func (f *fixture) change(store registry.Store, notifier registry.Notifier, api *mqrpcv1.Api) {
	f.t.Helper()
	if notifier != nil {
		f.eventually("announce "+contract.KeyOf(api).String(), func() error {
			return notifier.Announce(f.ctx(), api)
		})
	}
	f.save(store, api)
}

// wantState fails unless the store's state is api.
func (f *fixture) wantState(store registry.Store, api *mqrpcv1.Api) {
	f.t.Helper()
	got, err := store.Load(f.ctx(), contract.KeyOf(api))
	if err != nil {
		f.t.Fatalf("load %s: %v", contract.KeyOf(api), err)
	}
	if !proto.Equal(got, api) {
		f.t.Fatalf("%s is not what was saved:\n got %s\nwant %s", contract.KeyOf(api), describe(got), describe(api))
	}
}

// wantError fails unless err is want.
func (f *fixture) wantError(what string, err, want error) {
	f.t.Helper()
	if !errors.Is(err, want) {
		f.t.Fatalf("%s: got error %v, want %v", what, err, want)
	}
}

// describe is an API in one line.
func describe(api *mqrpcv1.Api) string {
	return fmt.Sprintf("%+v, %d bytes, policy {%v}, changed %s by %q",
		registry.HeadOf(api), proto.Size(api), api.GetPolicy(), api.GetChanged().AsTime(), api.GetChangedBy())
}

// inbox takes the events of a watch.
type inbox struct {
	mu     sync.Mutex
	events []registry.Event
}

func (i *inbox) notify(event registry.Event) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.events = append(i.events, event)
}

func (i *inbox) all() []registry.Event {
	i.mu.Lock()
	defer i.mu.Unlock()
	return slices.Clone(i.events)
}

// watch opens a watch of a notifier of its own.
func (f *fixture) watch() (registry.Watch, *inbox) {
	f.t.Helper()
	in := &inbox{}
	watch, err := f.notifier().Watch(in.notify)
	if err != nil {
		f.t.Fatalf("watch: %v", err)
	}
	f.t.Cleanup(func() {
		if err := watch.Close(); err != nil {
			f.t.Errorf("close the watch: %v", err)
		}
	})
	return watch, in
}

// follow follows, while there is no connection again and again.
func (f *fixture) follow(watch registry.Watch, key contract.Key) {
	f.t.Helper()
	f.eventually("follow "+key.String(), func() error { return watch.Follow(f.ctx(), key) })
}

// told reports whether an inbox has learnt of a state or of a newer one: by the
// state itself, or by being told to ask the store.
func (i *inbox) told(api *mqrpcv1.Api, from int) error {
	key := contract.KeyOf(api)
	for _, event := range i.all()[from:] {
		if event.Key.IsZero() || event.Key == key && (event.API == nil || event.API.GetSequence() >= api.GetSequence()) {
			return nil
		}
	}
	return fmt.Errorf("no event for %s at %d among %d", key, api.GetSequence(), len(i.all())-from)
}
