package registrytest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/mqrpc/mqrpc/contract"
	mqrpcv1 "github.com/mqrpc/mqrpc/proto/mqrpc/v1"
	"github.com/mqrpc/mqrpc/registry"
)

func followerTests() []test {
	return slices.Concat([]test{
		{name: "LoadedOnce", run: testLoadedOnce},
		{name: "ChangesTakeEffect", run: testChangesTakeEffect},
		{name: "DeletionTakesEffect", run: testDeletionTakesEffect},
		{name: "OnlyTheLoaded", run: testOnlyTheLoaded},
		{name: "ManyAPIs", run: testManyAPIs},
		{name: "AdoptedUntilTheStoreAnswers", run: testAdopted},
	}, writerTests(), followerFaultTests())
}

// gateway is what follows in these tests, and what it has been told.
type gateway struct {
	*registry.Follower

	fixture *fixture
	store   *countingStore

	mu      sync.Mutex
	applied map[contract.Key][]*mqrpcv1.Api
}

// countingStore counts the loads of whole APIs.
type countingStore struct {
	registry.Store

	loads atomic.Int64
}

func (s *countingStore) Load(ctx context.Context, key contract.Key) (*mqrpcv1.Api, error) {
	s.loads.Add(1)
	return s.Store.Load(ctx, key)
}

// gateway starts a follower with connections of its own. A backend without a
// notifier is polled quickly; one with must do without the poll.
func (f *fixture) gateway() *gateway {
	f.t.Helper()
	g := &gateway{fixture: f, store: &countingStore{Store: f.store()}, applied: make(map[contract.Key][]*mqrpcv1.Api)}
	config := registry.FollowerConfig{
		Store:        g.store,
		Apply:        g.apply,
		ConfirmAfter: 300 * time.Millisecond,
		PollInterval: time.Hour,
	}
	if notifier := f.notifier(); notifier != nil {
		config.Notifier = notifier
	} else {
		config.PollInterval = 50 * time.Millisecond
	}
	follower, err := registry.NewFollower(config)
	if err != nil {
		f.t.Fatal(err)
	}
	f.t.Cleanup(func() {
		if err := follower.Close(); err != nil {
			f.t.Errorf("close the follower: %v", err)
		}
	})
	g.Follower = follower
	return g
}

func (g *gateway) apply(api *mqrpcv1.Api) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.applied[contract.KeyOf(api)] = append(g.applied[contract.KeyOf(api)], api)
	return nil
}

// states are the states of an API that have come into effect, in order.
func (g *gateway) states(key contract.Key) []*mqrpcv1.Api {
	g.mu.Lock()
	defer g.mu.Unlock()
	return slices.Clone(g.applied[key])
}

// is returns an error unless api is in effect.
func (g *gateway) is(api *mqrpcv1.Api) error {
	states := g.states(contract.KeyOf(api))
	if len(states) == 0 {
		return errors.New("nothing is in effect")
	}
	if got := states[len(states)-1]; !proto.Equal(got, api) {
		return fmt.Errorf("in effect is %s\nwant %s", describe(got), describe(api))
	}
	return nil
}

// load loads, and fails the test if that fails.
func (g *gateway) load(key contract.Key) {
	g.fixture.t.Helper()
	if err := g.Load(g.fixture.ctx(), key); err != nil {
		g.fixture.t.Fatalf("load %s: %v", key, err)
	}
}

func testLoadedOnce(f *fixture) {
	store := f.store()
	api := API(key, 1, 1)
	f.save(store, api)
	g := f.gateway()
	var group sync.WaitGroup
	for range 1000 {
		group.Go(func() {
			if err := g.Load(f.ctx(), key); err != nil {
				f.t.Errorf("load: %v", err)
			}
			if len(g.states(key)) == 0 {
				f.t.Error("Load has returned before the API was in effect")
			}
		})
	}
	group.Wait()
	if loads := g.store.loads.Load(); loads != 1 {
		f.t.Errorf("the store was asked %d times for one API, want once", loads)
	}
	if err := g.is(api); err != nil {
		f.t.Error(err)
	}
	f.wantError("load an unknown API", g.Load(f.ctx(), contract.Key{Module: "nobody", Version: "1"}), registry.ErrNotFound)
	f.wantError("load an invalid name", g.Load(f.ctx(), contract.Key{Module: "..", Version: "1"}), registry.ErrInvalid)
}

func testChangesTakeEffect(f *fixture) {
	store, writer := f.store(), f.notifier()
	api := API(key, 1, 1)
	f.change(store, writer, api)
	gateways := []*gateway{f.gateway(), f.gateway(), f.gateway()}
	for _, g := range gateways {
		g.load(key)
	}
	for i := range 6 {
		if i%2 == 0 {
			api = Next(api, time.Duration(i+1)*time.Second)
		} else {
			api = API(key, api.GetSequence()+1, i+2)
		}
		f.change(store, writer, api)
		for _, g := range gateways {
			f.eventually("see the change", func() error { return g.is(api) })
		}
	}
	for _, g := range gateways {
		states := g.states(key)
		if !slices.IsSortedFunc(states, func(a, b *mqrpcv1.Api) int { return int(a.GetSequence() - b.GetSequence()) }) {
			f.t.Errorf("states came into effect out of order: %v", states)
		}
	}
}

func testDeletionTakesEffect(f *fixture) {
	store, writer := f.store(), f.notifier()
	api := API(key, 1, 1)
	f.change(store, writer, api)
	g := f.gateway()
	g.load(key)
	api = Tombstone(api)
	f.change(store, writer, api)
	f.eventually("see the deletion", func() error { return g.is(api) })
	f.wantError("load a deleted API", g.Load(f.ctx(), key), registry.ErrNotFound)
	f.wantError("load a deleted API afresh", f.gateway().Load(f.ctx(), key), registry.ErrNotFound)

	api = API(key, 3, 2)
	f.change(store, writer, api)
	f.eventually("see the return", func() error {
		if err := g.Load(f.ctx(), key); err != nil {
			return err
		}
		return g.is(api)
	})
}

func testOnlyTheLoaded(f *fixture) {
	store, writer := f.store(), f.notifier()
	g := f.gateway()
	loaded := API(key, 1, 1)
	other := API(contract.Key{Module: "other", Version: "1"}, 1, 1)
	f.change(store, writer, other)
	f.change(store, writer, loaded)
	g.load(key)
	f.change(store, writer, Next(other, time.Second))
	loaded = Next(loaded, time.Second)
	f.change(store, writer, loaded)
	f.eventually("see the change", func() error { return g.is(loaded) })
	if states := g.states(contract.KeyOf(other)); len(states) != 0 {
		f.t.Errorf("an API that nobody loaded has come into effect")
	}
	g.Forget(key)
	g.load(key)
	loaded = Next(loaded, 2*time.Second)
	f.change(store, writer, loaded)
	f.eventually("see the change of what was forgotten and loaded again", func() error { return g.is(loaded) })
}

func testManyAPIs(f *fixture) {
	const count = 100
	store, writer := f.store(), f.notifier()
	g := f.gateway()
	apis := make([]*mqrpcv1.Api, count)
	var group sync.WaitGroup
	for i := range apis {
		apis[i] = API(contract.Key{Module: fmt.Sprintf("m%d", i), Version: "1"}, 1, 1)
		f.change(store, writer, apis[i])
		group.Go(func() {
			if err := g.Load(f.ctx(), contract.KeyOf(apis[i])); err != nil {
				f.t.Errorf("load: %v", err)
			}
		})
	}
	group.Wait()
	for i := range apis {
		apis[i] = Next(apis[i], time.Minute)
		f.change(store, writer, apis[i])
	}
	for _, api := range apis {
		f.eventually("see one of many changes", func() error { return g.is(api) })
	}
}

// testAdopted starts from a snapshot, whose states are older than the store's,
// newer, or unknown to it.
func testAdopted(f *fixture) {
	store := f.store()
	first := API(key, 1, 1)
	second := API(key, 2, 2)
	f.save(store, first)
	f.save(store, second)
	unknown := API(contract.Key{Module: "described", Version: "1"}, 1, 1)
	unknown.Sequence = 0

	late, early := f.gateway(), f.gateway()
	for _, err := range []error{late.Adopt(first), early.Adopt(API(key, 9, 4)), late.Adopt(unknown)} {
		if err != nil {
			f.t.Fatalf("adopt: %v", err)
		}
	}
	f.eventually("see what is newer in the store", func() error { return late.is(second) })
	f.eventually("see what is older in the store", func() error { return early.is(second) })
	if err := late.is(unknown); err != nil {
		f.t.Errorf("what a worker described: %v", err)
	}
}
