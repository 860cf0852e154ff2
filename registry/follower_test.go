package registry_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/mqrpc/mqrpc/contract"
	mqrpcv1 "github.com/mqrpc/mqrpc/proto/mqrpc/v1"
	"github.com/mqrpc/mqrpc/registry"
	"github.com/mqrpc/mqrpc/registry/memory"
	"github.com/mqrpc/mqrpc/registry/registrytest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// slow is a store that can be made to hang, and counts what it is asked.
type slow struct {
	*memory.Registry

	afterLoad    func() // called once, between the first load and its answer
	hang         atomic.Bool
	loads, polls atomic.Int64
	now, most    atomic.Int64 // queries at the same time
}

func (s *slow) enter(ctx context.Context) (func(), error) {
	s.most.Store(max(s.most.Load(), s.now.Add(1)))
	if s.hang.Load() {
		<-ctx.Done()
		return func() { s.now.Add(-1) }, fmt.Errorf("%w: %w", registry.ErrUnavailable, ctx.Err())
	}
	return func() { s.now.Add(-1) }, nil
}

func (s *slow) Load(ctx context.Context, key contract.Key) (*mqrpcv1.Api, error) {
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

func (s *slow) Heads(ctx context.Context, keys []contract.Key) ([]registry.Head, error) {
	s.polls.Add(1)
	leave, err := s.enter(ctx)
	defer leave()
	if err != nil {
		return nil, err
	}
	return s.Registry.Heads(ctx, keys)
}

// table is what has been applied.
type table struct {
	mu     sync.Mutex
	states map[contract.Key]*mqrpcv1.Api
	refuse error
}

func (g *table) apply(api *mqrpcv1.Api) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.refuse != nil {
		return g.refuse
	}
	g.states[contract.KeyOf(api)] = api
	return nil
}

func (g *table) sequence(key contract.Key) int64 {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.states[key].GetSequence()
}

// follower starts a follower in a synctest bubble, on a poll alone or on news.
func follower(t *testing.T, news bool) (*registry.Follower, *slow, *table) {
	t.Helper()
	store, applied := &slow{Registry: memory.New()}, &table{states: make(map[contract.Key]*mqrpcv1.Api)}
	config := registry.FollowerConfig{Store: store, Apply: applied.apply}
	if news {
		config.Notifier = store
	}
	f, err := registry.NewFollower(config)
	if err != nil {
		t.Fatal(err)
	}
	return f, store, applied
}

func save(t *testing.T, store registry.Store, apis ...*mqrpcv1.Api) {
	t.Helper()
	for _, api := range apis {
		if err := store.Save(t.Context(), api); err != nil {
			t.Fatal(err)
		}
	}
}

// later lets time pass, with all that happens in it. In a bubble that takes
// none.
func later(d time.Duration) {
	<-time.After(d)
	synctest.Wait()
}

func TestPollFindsWhatNewsMissed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, store, applied := follower(t, true)
		defer func() { _ = store.Close(); _ = f.Close() }()
		save(t, store, registrytest.API(key, 1, 1))
		if err := f.Load(t.Context(), key); err != nil {
			t.Fatal(err)
		}
		later(time.Minute) // the check after the load is over
		polls := store.polls.Load()
		save(t, store, registrytest.API(key, 2, 2)) // not announced
		later(8 * time.Minute)
		if applied.sequence(key) != 1 || store.polls.Load() != polls {
			t.Fatalf("before the poll: sequence %d, %d queries", applied.sequence(key), store.polls.Load()-polls)
		}
		later(3 * time.Minute)
		if applied.sequence(key) != 2 || store.polls.Load() != polls+1 {
			t.Fatalf("after the poll: sequence %d, %d queries", applied.sequence(key), store.polls.Load()-polls)
		}
	})
}

func TestPollIsOneQueryARound(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, store, _ := follower(t, false)
		defer func() { _ = f.Close() }()
		for i := range 500 {
			k := contract.Key{Module: fmt.Sprintf("m%d", i), Version: "1"}
			save(t, store, registrytest.API(k, 1, 1))
			if err := f.Load(t.Context(), k); err != nil {
				t.Fatal(err)
			}
		}
		later(time.Minute)
		before := store.polls.Load()
		later(2 * time.Hour)
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
		f, store, applied := follower(t, true)
		defer func() { _ = store.Close(); _ = f.Close() }()
		api := registrytest.API(key, 1, 1)
		save(t, store, api)
		if err := f.Load(t.Context(), key); err != nil {
			t.Fatal(err)
		}
		store.hang.Store(true)
		before := store.polls.Load()
		for range 600 {
			// Another writer's state at the same sequence: ask the store.
			if err := store.Announce(t.Context(), registrytest.API(key, 1, 3)); err != nil {
				t.Fatal(err)
			}
			later(6 * time.Second)
		}
		if polls := store.polls.Load() - before; polls > 70 {
			t.Errorf("%d queries in an hour of outage", polls)
		}
		if most := store.most.Load(); most > 1 {
			t.Errorf("%d queries at the same time", most)
		}
		if health := f.Health(); !errors.Is(health.Err, registry.ErrUnavailable) || health.Since.IsZero() || health.Failures == 0 {
			t.Errorf("health is %+v", health)
		}
		save(t, store, registrytest.API(key, 2, 2))
		store.hang.Store(false)
		later(2 * time.Minute)
		if applied.sequence(key) != 2 || f.Health().Err != nil {
			t.Errorf("after the outage: sequence %d, health %+v", applied.sequence(key), f.Health())
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
	for name, event := range map[string]registry.Event{"of the API": {Key: key}, "of anything": {}} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				store, news := &slow{Registry: memory.New()}, &vague{}
				applied := make(chan int64, 10)
				store.afterLoad = func() {
					save(t, store, registrytest.API(key, 2, 2))
					news.notify(event)
					synctest.Wait() // the poller has taken the news
				}
				f, err := registry.NewFollower(registry.FollowerConfig{Store: store, Notifier: news, Apply: func(api *mqrpcv1.Api) error {
					applied <- api.GetSequence()
					return nil
				}})
				if err != nil {
					t.Fatal(err)
				}
				defer func() { _ = f.Close(); _ = store.Close() }()
				save(t, store, registrytest.API(key, 1, 1))
				if err := f.Load(t.Context(), key); err != nil {
					t.Fatal(err)
				}
				later(time.Second)
				if len(applied) != 2 {
					t.Fatalf("%d states were applied, want 2", len(applied))
				}
				if first, second := <-applied, <-applied; first != 1 || second != 2 {
					t.Errorf("applied %d, then %d", first, second)
				}
			})
		})
	}
}

// TestNotifiersReturnEndsTheBackOff has an outage long enough for the longest
// wait between two tries, and a change in it.
func TestNotifiersReturnEndsTheBackOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store, news := &slow{Registry: memory.New()}, &vague{}
		applied := &table{states: make(map[contract.Key]*mqrpcv1.Api)}
		f, err := registry.NewFollower(registry.FollowerConfig{Store: store, Notifier: news, Apply: applied.apply})
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = f.Close(); _ = store.Close() }()
		save(t, store, registrytest.API(key, 1, 1))
		if err := f.Load(t.Context(), key); err != nil {
			t.Fatal(err)
		}
		store.hang.Store(true)
		later(time.Hour)
		store.hang.Store(false)
		save(t, store, registrytest.API(key, 2, 2))
		// Wait for the end of a query that hangs still, not for the next one.
		polls := store.polls.Load()
		for store.now.Load() > 0 {
			later(time.Second)
		}
		if applied.sequence(key) != 1 || store.polls.Load() != polls {
			t.Fatal("the change was found before the notifier told")
		}
		news.notify(registry.Event{})
		later(time.Second)
		if got := applied.sequence(key); got != 2 {
			t.Errorf("a second after the notifier's return the sequence is %d, want 2", got)
		}
	})
}

func TestCallerDoesNotWaitForTheStore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, store, _ := follower(t, false)
		defer func() { _ = f.Close() }()
		save(t, store, registrytest.API(key, 1, 1))
		store.hang.Store(true)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		began := time.Now()
		if err := f.Load(ctx, key); !errors.Is(err, context.DeadlineExceeded) || time.Since(began) != time.Second {
			t.Fatalf("after %s: got error %v", time.Since(began), err)
		}
		if err := f.Load(t.Context(), key); !errors.Is(err, registry.ErrUnavailable) || time.Since(began) != 5*time.Second {
			t.Fatalf("after %s: got error %v", time.Since(began), err)
		}
		store.hang.Store(false)
		if err := f.Load(t.Context(), key); err != nil {
			t.Fatal(err)
		}
	})
}

// TestRefusedState has a state that cannot be used.
func TestRefusedState(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, store, applied := follower(t, true)
		defer func() { _ = store.Close(); _ = f.Close() }()
		save(t, store, registrytest.API(key, 1, 1))
		refusal := errors.New("it does not link")
		applied.refuse = refusal
		if err := f.Load(t.Context(), key); !errors.Is(err, refusal) {
			t.Fatalf("got error %v, want %v", err, refusal)
		}
		applied.refuse = nil
		if err := f.Load(t.Context(), key); err != nil {
			t.Fatal(err)
		}
		applied.refuse = refusal
		bad := registrytest.API(key, 2, 2)
		if err := store.Announce(t.Context(), bad); err != nil {
			t.Fatal(err)
		}
		save(t, store, bad)
		loads := store.loads.Load()
		later(time.Hour)
		if applied.sequence(key) != 1 || store.loads.Load() > loads+1 {
			t.Errorf("sequence %d, %d loads of what cannot be used", applied.sequence(key), store.loads.Load()-loads)
		}
		applied.refuse = nil
		good := registrytest.API(key, 3, 3)
		if err := store.Announce(t.Context(), good); err != nil {
			t.Fatal(err)
		}
		save(t, store, good)
		later(time.Second)
		if applied.sequence(key) != 3 {
			t.Errorf("sequence %d after a good state", applied.sequence(key))
		}
	})
}

// TestStoreForgets has the store lose everything: nothing that works stops.
func TestStoreForgets(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		full, empty := memory.New(), memory.New()
		applied := &table{states: make(map[contract.Key]*mqrpcv1.Api)}
		swap := &swapped{Store: full}
		f, err := registry.NewFollower(registry.FollowerConfig{Store: swap, Apply: applied.apply})
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = f.Close() }()
		save(t, full, registrytest.API(key, 1, 1))
		if err := f.Load(t.Context(), key); err != nil {
			t.Fatal(err)
		}
		later(time.Minute)
		swap.to(empty)
		later(time.Hour)
		if err := f.Load(t.Context(), key); err != nil || applied.sequence(key) != 1 || len(f.Heads()) != 1 {
			t.Errorf("sequence %d, followed %v, error %v", applied.sequence(key), f.Heads(), err)
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

// TestDropsWhatWasNeverSaved follows an API that exists by announcement only.
func TestDropsWhatWasNeverSaved(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, store, applied := follower(t, true)
		defer func() { _ = store.Close(); _ = f.Close() }()
		save(t, store, registrytest.API(key, 1, 1))
		if err := f.Load(t.Context(), key); err != nil {
			t.Fatal(err)
		}
		if err := store.Announce(t.Context(), registrytest.Tombstone(registrytest.API(key, 1, 1))); err != nil {
			t.Fatal(err)
		}
		later(time.Second)
		if err := f.Load(t.Context(), key); !errors.Is(err, registry.ErrNotFound) {
			t.Fatalf("an announced deletion: got error %v", err)
		}
		later(time.Minute) // it was never saved
		if err := f.Load(t.Context(), key); err != nil || applied.sequence(key) != 1 {
			t.Fatalf("sequence %d, error %v", applied.sequence(key), err)
		}
	})
}
