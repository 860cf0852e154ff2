package catalog_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/mqrpc/mqrpc/catalog"
	"github.com/mqrpc/mqrpc/contract"
	mqrpcv1 "github.com/mqrpc/mqrpc/proto/mqrpc/v1"
	"github.com/mqrpc/mqrpc/registry"
	"github.com/mqrpc/mqrpc/registry/memory"
	"github.com/mqrpc/mqrpc/registry/registrytest"
)

// watchedStore is a store that can be made to hang, and counts what it is asked.
type watchedStore struct {
	*memory.Registry

	afterLoad    func() // called once, between the first load and its answer
	hang         atomic.Bool
	loads, polls atomic.Int64
	now, most    atomic.Int64 // queries at the same time
}

func (s *watchedStore) enter(ctx context.Context) (func(), error) {
	s.most.Store(max(s.most.Load(), s.now.Add(1)))
	if s.hang.Load() {
		<-ctx.Done()
		return func() { s.now.Add(-1) }, fmt.Errorf("%w: %w", registry.ErrUnavailable, ctx.Err())
	}
	return func() { s.now.Add(-1) }, nil
}

func (s *watchedStore) Load(ctx context.Context, key contract.Key) (*mqrpcv1.Api, error) {
	s.loads.Add(1)
	leave, err := s.enter(ctx)
	defer leave()
	if err != nil {
		return nil, err
	}
	api, err := s.Registry.Load(ctx, key)
	if s.afterLoad != nil {
		hook := s.afterLoad
		s.afterLoad = nil
		hook()
	}
	return api, err
}

func (s *watchedStore) Heads(ctx context.Context, keys []contract.Key) ([]registry.Head, error) {
	s.polls.Add(1)
	leave, err := s.enter(ctx)
	defer leave()
	if err != nil {
		return nil, err
	}
	return s.Registry.Heads(ctx, keys)
}

// follower is a catalog that follows a registry, and what has come into effect.
type follower struct {
	*catalog.Catalog

	mu    sync.Mutex
	heads map[contract.Key][]registry.Head
}

func (f *follower) changed(c catalog.Change) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.heads[c.Key] = append(f.heads[c.Key], c.Registry)
}

// sequence is that of the state in effect.
func (f *follower) sequence() int64 {
	sequences := f.sequences()
	if len(sequences) == 0 {
		return 0
	}
	return sequences[len(sequences)-1]
}

func (f *follower) sequences() []int64 {
	f.mu.Lock()
	defer f.mu.Unlock()
	var sequences []int64
	for _, head := range f.heads[greeter] {
		sequences = append(sequences, head.Sequence)
	}
	return sequences
}

// load calls the greeter's API.
func (f *follower) load(t *testing.T) error {
	t.Helper()
	_, err := f.API(t.Context(), greeter.Module, greeter.Version)
	return err
}

// startFollower starts a catalog without workers whose APIs do not become idle.
// A nil notifier leaves it to the poll.
func startFollower(t *testing.T, store registry.Store, notifier registry.Notifier) *follower {
	t.Helper()
	f := &follower{heads: make(map[contract.Key][]registry.Head)}
	c, err := catalog.New(catalog.Config{
		Store: store, Notifier: notifier, IdleAfter: 1000 * time.Hour, Changed: f.changed, Logger: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	f.Catalog = c
	return f
}

func newWatchedStore(t *testing.T, apis ...*mqrpcv1.Api) *watchedStore {
	t.Helper()
	store := &watchedStore{Registry: memory.New()}
	t.Cleanup(func() { _ = store.Close() })
	save(t, store, apis...)
	return store
}

func announce(t *testing.T, notifier registry.Notifier, api *mqrpcv1.Api) {
	t.Helper()
	if err := notifier.Announce(t.Context(), api); err != nil {
		t.Fatal(err)
	}
}

func TestPollFindsWhatNewsMissed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := newWatchedStore(t, registrytest.API(greeter, 1, 1))
		f := startFollower(t, store, store)
		if err := f.load(t); err != nil {
			t.Fatal(err)
		}
		pass(time.Minute) // the check after the load is over
		polls := store.polls.Load()
		save(t, store, registrytest.API(greeter, 2, 2)) // not announced
		pass(8 * time.Minute)
		if f.sequence() != 1 || store.polls.Load() != polls {
			t.Fatalf("before the poll: sequence %d, %d queries", f.sequence(), store.polls.Load()-polls)
		}
		pass(3 * time.Minute)
		if f.sequence() != 2 || store.polls.Load() != polls+1 {
			t.Fatalf("after the poll: sequence %d, %d queries", f.sequence(), store.polls.Load()-polls)
		}
	})
}

func TestPollIsOneQueryARound(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := newWatchedStore(t)
		f := startFollower(t, store, nil)
		for i := range 500 {
			key := contract.Key{Module: fmt.Sprintf("m%d", i), Version: "1"}
			save(t, store, registrytest.API(key, 1, 1))
			if _, err := f.API(t.Context(), key.Module, key.Version); err != nil {
				t.Fatal(err)
			}
		}
		pass(time.Minute)
		before := store.polls.Load()
		if before > 2 {
			t.Errorf("%d queries after the loads, which wait for one another", before)
		}
		pass(2 * time.Hour)
		if rounds := store.polls.Load() - before; rounds < 10 || rounds > 12 {
			t.Errorf("%d queries in two hours, want one every ten to eleven minutes", rounds)
		}
		if loads := store.loads.Load(); loads != 500 {
			t.Errorf("%d loads of 500 APIs", loads)
		}
	})
}

// TestFaultPilesNothingUp has the store hang for an hour while news comes in.
func TestFaultPilesNothingUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := newWatchedStore(t, registrytest.API(greeter, 1, 1))
		f := startFollower(t, store, store)
		if err := f.load(t); err != nil {
			t.Fatal(err)
		}
		store.hang.Store(true)
		before := store.polls.Load()
		for i := range 600 {
			// Another writer's state at the same sequence, and later ones.
			announce(t, store, registrytest.API(greeter, 1+int64(i%3), 3))
			pass(6 * time.Second)
		}
		if polls := store.polls.Load() - before; polls > 70 {
			t.Errorf("%d queries in an hour of outage", polls)
		}
		if most := store.most.Load(); most > 1 {
			t.Errorf("%d queries at the same time", most)
		}
		if health := f.Health(); health.Available || health.Since.IsZero() || health.Error == "" || f.sequence() != 1 {
			t.Errorf("sequence %d, health %+v", f.sequence(), health)
		}
		save(t, store, registrytest.API(greeter, 2, 2))
		store.hang.Store(false)
		pass(2 * time.Minute)
		if f.sequence() != 2 || !f.Health().Available {
			t.Errorf("after the outage: sequence %d, health %+v", f.sequence(), f.Health())
		}
	})
}

// vague is a notifier that never says what has changed.
type vague struct{ notify func(registry.Event) }

func (v *vague) Watch(notify func(registry.Event)) (registry.Watch, error) {
	v.notify = notify
	return v, nil
}
func (v *vague) Announce(context.Context, *mqrpcv1.Api) error { return nil }
func (v *vague) Follow(context.Context, contract.Key) error   { return nil }
func (v *vague) Unfollow(contract.Key)                        {}
func (v *vague) Close() error                                 { return nil }

// TestNewsDuringTheFirstLoad has a change that is saved and told of after the
// first load has read the state before, and before that has come into effect.
func TestNewsDuringTheFirstLoad(t *testing.T) {
	for name, event := range map[string]registry.Event{"of the API": {Key: greeter}, "of anything": {}} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				store, news := newWatchedStore(t, registrytest.API(greeter, 1, 1)), &vague{}
				store.afterLoad = func() {
					save(t, store, registrytest.API(greeter, 2, 2))
					news.notify(event)
				}
				f := startFollower(t, store, news)
				if err := f.load(t); err != nil {
					t.Fatal(err)
				}
				pass(time.Second)
				if got := fmt.Sprint(f.sequences()); got != "[1 2]" {
					t.Errorf("the states %s have come into effect", got)
				}
			})
		})
	}
}

// TestNotifiersReturnEndsTheBackOff has an outage long enough for the longest
// wait between two tries, and a change in it.
func TestNotifiersReturnEndsTheBackOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store, news := newWatchedStore(t, registrytest.API(greeter, 1, 1)), &vague{}
		f := startFollower(t, store, news)
		if err := f.load(t); err != nil {
			t.Fatal(err)
		}
		store.hang.Store(true)
		pass(time.Hour)
		store.hang.Store(false)
		save(t, store, registrytest.API(greeter, 2, 2))
		// Wait for the end of a query that hangs still, not for the next one.
		polls := store.polls.Load()
		for store.now.Load() > 0 {
			pass(time.Second)
		}
		if f.sequence() != 1 || store.polls.Load() != polls {
			t.Fatal("the change was found before the notifier told")
		}
		news.notify(registry.Event{})
		pass(time.Second)
		if got := f.sequence(); got != 2 {
			t.Errorf("a second after the notifier's return the sequence is %d, want 2", got)
		}
	})
}

func TestCallerDoesNotWaitForTheStore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := newWatchedStore(t, registrytest.API(greeter, 1, 1))
		f := startFollower(t, store, nil)
		store.hang.Store(true)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		began := time.Now()
		if _, err := f.API(ctx, greeter.Module, greeter.Version); !errors.Is(err, context.DeadlineExceeded) || time.Since(began) != time.Second {
			t.Fatalf("after %s: got error %v", time.Since(began), err)
		}
		if err := f.load(t); !errors.Is(err, registry.ErrUnavailable) || time.Since(began) != catalog.DefaultStepTimeout {
			t.Fatalf("after %s: got error %v", time.Since(began), err)
		}
		store.hang.Store(false)
		pass(time.Second) // a failure is remembered for no longer
		if err := f.load(t); err != nil {
			t.Fatal(err)
		}
	})
}

// unlinkable is a state whose files are valid and do not link.
func unlinkable(sequence int64) *mqrpcv1.Api {
	api := registrytest.API(greeter, sequence, 1)
	files := api.GetFiles().GetFile()
	files[len(files)-1].GetMessageType()[0].GetField()[0].TypeName = proto.String(".nobody.Nothing")
	api.Revision = contract.Revision(api.GetFiles())
	return api
}

// TestRefusedState has a state that cannot be used.
func TestRefusedState(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := newWatchedStore(t, unlinkable(1))
		f := startFollower(t, store, store)
		if err := f.load(t); err == nil || errors.Is(err, catalog.ErrUnknownModule) {
			t.Fatalf("got error %v", err)
		}
		good := registrytest.API(greeter, 2, 2)
		announce(t, store, good)
		save(t, store, good)
		pass(time.Second)
		if f.sequence() != 2 {
			t.Fatalf("sequence %d after a good state", f.sequence())
		}
		bad := unlinkable(3)
		announce(t, store, bad)
		save(t, store, bad)
		loads := store.loads.Load()
		pass(time.Hour)
		if f.sequence() != 2 || store.loads.Load() > loads+1 {
			t.Errorf("sequence %d, %d loads of what cannot be used", f.sequence(), store.loads.Load()-loads)
		}
		good = registrytest.API(greeter, 4, 3)
		announce(t, store, good)
		save(t, store, good)
		pass(time.Second)
		if f.sequence() != 4 {
			t.Errorf("sequence %d after a good state", f.sequence())
		}
	})
}

// TestStoreForgets has the store lose everything: nothing that works stops.
func TestStoreForgets(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		full, empty := newWatchedStore(t, registrytest.API(greeter, 1, 1)), newWatchedStore(t)
		swap := &swapped{Store: full}
		f := startFollower(t, swap, nil)
		if err := f.load(t); err != nil {
			t.Fatal(err)
		}
		pass(time.Minute)
		swap.to(empty)
		pass(time.Hour)
		if err := f.load(t); err != nil || f.sequence() != 1 {
			t.Errorf("sequence %d, error %v", f.sequence(), err)
		}
	})
}

// swapped is a store that can be replaced by another.
type swapped struct {
	registry.Store

	mu sync.Mutex
}

func (s *swapped) to(store registry.Store) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.Store = store
}

func (s *swapped) Heads(ctx context.Context, keys []contract.Key) ([]registry.Head, error) {
	s.mu.Lock()
	store := s.Store
	s.mu.Unlock()
	return store.Heads(ctx, keys)
}

// TestDropsWhatWasNeverSaved: an announcement is a cue. It takes effect as soon
// as the store has it, and not at all if that takes more than a second.
func TestDropsWhatWasNeverSaved(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := newWatchedStore(t, registrytest.API(greeter, 1, 1))
		f := startFollower(t, store, store)
		if err := f.load(t); err != nil {
			t.Fatal(err)
		}
		announce(t, store, registrytest.Tombstone(registrytest.API(greeter, 1, 1)))
		for range 100 {
			pass(time.Second)
			if err := f.load(t); err != nil || f.sequence() != 1 {
				t.Fatalf("sequence %d, error %v", f.sequence(), err)
			}
		}
		polls := store.polls.Load()
		next := registrytest.API(greeter, 2, 2)
		announce(t, store, next)
		pass(500 * time.Millisecond)
		save(t, store, next)
		pass(200 * time.Millisecond)
		if f.sequence() != 2 {
			t.Errorf("sequence %d 200 ms after the announced change was saved", f.sequence())
		}
		if asked, loads := store.polls.Load()-polls, store.loads.Load(); asked > 20 || loads != 1 {
			t.Errorf("%d queries while it was not saved, and %d loads of what was announced whole", asked, loads-1)
		}
	})
}

// TestForgedNewsHoldNothingUp: announcements of states that nobody saves change
// nothing and keep no true change away.
func TestForgedNewsHoldNothingUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := newWatchedStore(t, registrytest.API(greeter, 1, 1))
		f := startFollower(t, store, store)
		if err := f.load(t); err != nil {
			t.Fatal(err)
		}
		for i := range int64(100) {
			announce(t, store, registrytest.API(greeter, 1000+i, 5))
			pass(10 * time.Millisecond)
		}
		next := registrytest.API(greeter, 2, 2)
		save(t, store, next)
		announce(t, store, next)
		for i := range int64(100) {
			announce(t, store, registrytest.API(greeter, 2000+i, 5))
			pass(10 * time.Millisecond)
		}
		if got := fmt.Sprint(f.sequences()); got != "[1 2]" {
			t.Errorf("the states %s have come into effect", got)
		}
		forged := registrytest.API(greeter, 3, 7)
		forged.Files = registrytest.API(greeter, 3, 8).GetFiles() // the revision is another's
		announce(t, store, forged)
		true3 := registrytest.API(greeter, 3, 7)
		save(t, store, true3)
		pass(time.Second)
		if fields := f.Loaded("greeter", "1.0").Services[0].Methods[0].Request.ProtoReflect().Descriptor().Fields().Len(); f.sequence() != 3 || fields != 7 {
			t.Errorf("sequence %d with %d fields", f.sequence(), fields)
		}
	})
}

// registryEvent is the news of a state.
func registryEvent(api *mqrpcv1.Api) registry.Event {
	return registry.Event{Key: contract.KeyOf(api), API: api}
}
