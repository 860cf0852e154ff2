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

	"github.com/mqrpc/mqrpc/catalog"
	"github.com/mqrpc/mqrpc/contract"
	mqrpcv1 "github.com/mqrpc/mqrpc/proto/mqrpc/v1"
	"github.com/mqrpc/mqrpc/registry"
)

func catalogTests() []test {
	return slices.Concat([]test{
		{name: "LoadedOnce", run: testLoadedOnce},
		{name: "ChangesTakeEffect", run: testChangesTakeEffect},
		{name: "DeletionTakesEffect", run: testDeletionTakesEffect},
		{name: "OnlyTheLoaded", run: testOnlyTheLoaded},
		{name: "ManyAPIs", run: testManyAPIs},
		{name: "SnapshotUntilTheStoreAnswers", run: testSnapshot},
	}, writerTests(), catalogFaultTests())
}

// gateway is a catalog in these tests, and what has come into effect there.
type gateway struct {
	*catalog.Catalog

	fixture *fixture
	store   *watchedStore

	mu      sync.Mutex
	applied map[contract.Key][]registry.Head
}

// watchedStore counts the loads of whole APIs, and can be made not to answer.
type watchedStore struct {
	registry.Store

	loads atomic.Int64
	down  atomic.Bool
}

func (s *watchedStore) Load(ctx context.Context, key contract.Key) (*mqrpcv1.Api, error) {
	if s.down.Load() {
		return nil, registry.ErrUnavailable
	}
	s.loads.Add(1)
	return s.Store.Load(ctx, key)
}

func (s *watchedStore) Heads(ctx context.Context, keys []contract.Key) ([]registry.Head, error) {
	if s.down.Load() {
		return nil, registry.ErrUnavailable
	}
	return s.Store.Heads(ctx, keys)
}

// gateway starts a catalog with connections of its own.
func (f *fixture) gateway() *gateway {
	f.t.Helper()
	return f.gatewayWith(catalog.Config{})
}

// gatewayWith starts a catalog that is configured by the test in part. A backend
// without a notifier is polled quickly; one with must do without the poll.
func (f *fixture) gatewayWith(config catalog.Config) *gateway {
	f.t.Helper()
	g := &gateway{fixture: f, store: &watchedStore{Store: f.store()}, applied: make(map[contract.Key][]registry.Head)}
	config.Store = g.store
	config.Changed = g.changed
	config.Follow = catalog.Follow{ConfirmAfter: 300 * time.Millisecond, PollInterval: time.Hour}
	if notifier := f.notifier(); notifier != nil {
		config.Notifier = notifier
	} else {
		config.Follow.PollInterval = 50 * time.Millisecond
	}
	made, err := catalog.New(config)
	if err != nil {
		f.t.Fatal(err)
	}
	f.t.Cleanup(func() {
		if err := made.Close(context.Background()); err != nil {
			f.t.Errorf("close the catalog: %v", err)
		}
	})
	g.Catalog = made
	return g
}

func (g *gateway) changed(change catalog.Change) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.applied[change.Key] = append(g.applied[change.Key], change.Registry)
}

// states are what the registry held of an API, as it came into effect, in order.
func (g *gateway) states(key contract.Key) []registry.Head {
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
	if got := states[len(states)-1]; got != registry.HeadOf(api) {
		return fmt.Errorf("in effect is %d, %s\nwant %s", got.Sequence, got.Revision, describe(api))
	}
	loaded := g.Loaded(api.GetModule(), api.GetVersion())
	switch {
	case api.GetDeleted() && loaded != nil:
		return errors.New("it is served")
	case !api.GetDeleted() && !proto.Equal(loaded.Policy, api.GetPolicy()):
		return fmt.Errorf("the policy is %v, want %v", loaded.Policy, api.GetPolicy())
	}
	return nil
}

// call does what a gateway does when an API is called.
func (g *gateway) call(key contract.Key) error {
	_, err := g.API(g.fixture.ctx(), key.Module, key.Version)
	return err
}

// load calls an API, and fails the test if that fails.
func (g *gateway) load(key contract.Key) {
	g.fixture.t.Helper()
	if err := g.call(key); err != nil {
		g.fixture.t.Fatalf("load %s: %v", key, err)
	}
}

// wantUnknown fails unless an API is unknown for certain.
func (g *gateway) wantUnknown(what string, key contract.Key) {
	g.fixture.t.Helper()
	if err := g.call(key); !errors.Is(err, catalog.ErrUnknownModule) && !errors.Is(err, catalog.ErrUnknownVersion) {
		g.fixture.t.Fatalf("%s: got error %v, want that it is unknown", what, err)
	}
}

// kept is a snapshot in memory.
type kept struct {
	mu   sync.Mutex
	apis map[contract.Key]*mqrpcv1.Api
}

func keep(apis ...*mqrpcv1.Api) *kept {
	k := &kept{apis: make(map[contract.Key]*mqrpcv1.Api)}
	for _, api := range apis {
		_ = k.Put(api)
	}
	return k
}

func (k *kept) Put(api *mqrpcv1.Api) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.apis[contract.KeyOf(api)] = api
	return nil
}

func (k *kept) Get(key contract.Key) (*mqrpcv1.Api, time.Time, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.apis[key] == nil {
		return nil, time.Time{}, registry.ErrNotFound
	}
	return k.apis[key], time.Now(), nil
}

func testLoadedOnce(f *fixture) {
	store := f.store()
	api := API(key, 1, 1)
	f.save(store, api)
	g := f.gateway()
	var group sync.WaitGroup
	for range 1000 {
		group.Go(func() {
			if err := g.call(key); err != nil {
				f.t.Errorf("load: %v", err)
			}
			if g.Loaded(key.Module, key.Version) == nil {
				f.t.Error("API has returned before the API was in effect")
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
	g.wantUnknown("load an unknown API", contract.Key{Module: "nobody", Version: "1"})
	g.wantUnknown("load an invalid name", contract.Key{Module: "..", Version: "1"})
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
		if !slices.IsSortedFunc(states, func(a, b registry.Head) int { return int(a.Sequence - b.Sequence) }) {
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
	g.wantUnknown("load a deleted API", key)
	f.gateway().wantUnknown("load a deleted API afresh", key)

	api = API(key, 3, 2)
	f.change(store, writer, api)
	f.eventually("see the return", func() error {
		if err := g.call(key); err != nil {
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

	idle := f.gatewayWith(catalog.Config{IdleAfter: 200 * time.Millisecond})
	idle.load(key)
	f.eventually("let go of what nobody calls", func() error {
		if idle.Loaded(key.Module, key.Version) != nil {
			f.pause()
		}
		if dropped := idle.Stats().Dropped; dropped == 0 {
			return errors.New("it is loaded")
		}
		return nil
	})
	idle.load(key)
	loaded = Next(loaded, 2*time.Second)
	f.change(store, writer, loaded)
	f.eventually("see the change of what was let go and loaded again", func() error {
		idle.load(key)
		return idle.is(loaded)
	})
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
			if err := g.call(contract.KeyOf(apis[i])); err != nil {
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

// testSnapshot starts from a snapshot while the store does not answer. What it
// has is older than what the store has, newer, or unknown to the store.
func testSnapshot(f *fixture) {
	store := f.store()
	first := API(key, 1, 1)
	second := API(key, 2, 2)
	f.save(store, first)
	f.save(store, second)
	unknown := API(contract.Key{Module: "described", Version: "1"}, 1, 1)
	unknown.Sequence = 0

	late := f.gatewayWith(catalog.Config{Snapshot: keep(first, unknown)})
	early := f.gatewayWith(catalog.Config{Snapshot: keep(API(key, 9, 4))})
	for _, g := range []*gateway{late, early} {
		g.store.down.Store(true)
		g.load(key)
	}
	late.load(contract.KeyOf(unknown))
	for _, g := range []*gateway{late, early} {
		g.store.down.Store(false)
	}
	f.eventually("see what is newer in the store", func() error { return late.is(second) })
	f.eventually("see what is older in the store", func() error { return early.is(second) })
	if late.Loaded(unknown.GetModule(), unknown.GetVersion()) == nil {
		f.t.Error("what a worker had described is gone")
	}
}
