package registrytest

import (
	"fmt"
	"testing"
	"time"

	"github.com/mqrpc/mqrpc/catalog"
	"github.com/mqrpc/mqrpc/contract"
	mqrpcv1 "github.com/mqrpc/mqrpc/proto/mqrpc/v1"
	"github.com/mqrpc/mqrpc/registry"
)

func storeFaultTests() []test {
	return []test{
		{name: "StoreStops", needs: []Feature{Stop}, run: testStoreStops},
		{name: "StoreConnectionLost", needs: []Feature{Sever}, run: testStoreSevered},
	}
}

func notifierFaultTests() []test {
	return []test{
		{name: "ConnectionLost", needs: []Feature{Sever}, run: func(f *fixture) { testWatchThrough(f, f.backend.Sever) }},
		{name: "SessionExpires", needs: []Feature{Expire}, run: func(f *fixture) { testWatchThrough(f, f.backend.Expire) }},
		{name: "FollowedWhileStopped", needs: []Feature{Stop}, run: testFollowedWhileStopped},
	}
}

func catalogFaultTests() []test {
	return []test{
		{name: "ConnectionLost", needs: []Feature{Sever}, run: func(f *fixture) { testFollowThrough(f, f.backend.Sever) }},
		{name: "SessionExpires", needs: []Feature{Expire}, run: func(f *fixture) { testFollowThrough(f, f.backend.Expire) }},
		{name: "RegistryStops", needs: []Feature{Stop}, run: testRegistryStops},
	}
}

func testStoreStops(f *fixture) {
	store := f.store()
	api := API(key, 1, 1)
	f.save(store, api)
	f.backend.Stop(f.t)
	_, err := store.Load(f.ctx(), key)
	f.wantError("load while it is stopped", err, registry.ErrUnavailable)
	_, err = store.Heads(f.ctx(), []contract.Key{key})
	f.wantError("heads while it is stopped", err, registry.ErrUnavailable)
	f.wantError("save while it is stopped", store.Save(f.ctx(), Next(api, time.Second)), registry.ErrUnavailable)
	f.backend.Start(f.t)
	f.eventually("load when it is back", func() error { _, err := store.Load(f.ctx(), key); return err })
}

func testStoreSevered(f *fixture) {
	store := f.store()
	api := API(key, 1, 1)
	f.save(store, api)
	for i := range 3 {
		f.backend.Sever(f.t)
		api = Next(api, time.Duration(i+1)*time.Second)
		f.save(store, api)
		f.wantState(store, api)
	}
}

// testWatchThrough changes APIs while the connections are cut. Each change is
// delivered, or a loss is.
func testWatchThrough(f *fixture, fault func(*testing.T)) {
	store, writer := f.store(), f.notifier()
	watch, in := f.watch()
	var apis []*mqrpcv1.Api
	for i := range 10 {
		api := API(contract.Key{Module: fmt.Sprintf("m%d", i), Version: "1"}, 1, 1)
		f.change(store, writer, api)
		f.follow(watch, contract.KeyOf(api))
		apis = append(apis, api)
	}
	for round := range 3 {
		from := len(in.all())
		fault(f.t)
		for i, api := range apis {
			apis[i] = Next(api, time.Duration(round+1)*time.Second)
			f.change(store, writer, apis[i])
		}
		for _, api := range apis {
			f.eventually("learn of a change over a lost connection", func() error { return in.told(api, from) })
		}
	}
	// And then all is as before.
	f.eventually("be told of a change by itself", func() error {
		from := len(in.all())
		apis[0] = Next(apis[0], time.Hour)
		f.change(store, writer, apis[0])
		var err error
		for range 50 {
			if err = in.told(apis[0], from); err == nil {
				break
			}
			f.pause()
		}
		return err
	})
}

func testFollowedWhileStopped(f *fixture) {
	store, writer := f.store(), f.notifier()
	watch, in := f.watch()
	api := API(key, 1, 1)
	f.change(store, writer, api)
	f.backend.Stop(f.t)
	from := len(in.all())
	began := time.Now()
	err := watch.Follow(f.ctx(), key)
	f.wantError("follow while it is stopped", err, registry.ErrUnavailable)
	if took := time.Since(began); took > f.patience/2 {
		f.t.Errorf("Follow failed after %s, want soon", took)
	}
	if _, lacks := f.lacks[Announce]; !lacks {
		f.wantError("announce while it is stopped", writer.Announce(f.ctx(), api), registry.ErrUnavailable)
	}
	f.backend.Start(f.t)
	f.eventually("hear that the API is followed", func() error { return in.told(api, from) })
	from = len(in.all())
	api = Next(api, time.Second)
	f.change(store, writer, api)
	f.eventually("learn of a change", func() error { return in.told(api, from) })
}

func testFollowThrough(f *fixture, fault func(*testing.T)) {
	store, writer := f.store(), f.notifier()
	api := API(key, 1, 1)
	f.change(store, writer, api)
	g := f.gateway()
	g.load(key)
	for i := range 3 {
		fault(f.t)
		api = Next(api, time.Duration(i+1)*time.Second)
		f.change(store, writer, api)
		f.eventually("see the change over a lost connection", func() error { return g.is(api) })
	}
}

// testRegistryStops has gateways live on without their registry.
func testRegistryStops(f *fixture) {
	store, writer := f.store(), f.notifier()
	api := API(key, 1, 1)
	f.change(store, writer, api)
	loaded, fresh := f.gateway(), f.gateway()
	restarted := f.gatewayWith(catalog.Config{Snapshot: keep(API(key, 1, 3))}) // another state than the store's
	loaded.load(key)
	f.backend.Stop(f.t)

	if err := loaded.is(api); err != nil {
		f.t.Errorf("what is loaded, while the registry is stopped: %v", err)
	}
	loaded.load(key)
	if !f.borrowed {
		f.wantError("load while the registry is stopped", fresh.call(key), registry.ErrUnavailable)
		restarted.load(key)
		if err := restarted.is(API(key, 1, 3)); err != nil {
			f.t.Errorf("a gateway that starts while the registry is stopped: %v", err)
		}
	}
	f.backend.Start(f.t)
	f.eventually("load when the registry is back", func() error { return fresh.call(key) })
	restarted.load(key)
	f.eventually("catch up when the registry is back", func() error { return restarted.is(api) })
	api = Next(api, time.Second)
	f.change(store, writer, api)
	for _, g := range []*gateway{loaded, fresh, restarted} {
		f.eventually("see a change when the registry is back", func() error { return g.is(api) })
	}
}
