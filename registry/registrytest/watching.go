package registrytest

import (
	"context"
	"fmt"
	"slices"
	"sync/atomic"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/mqrpc/mqrpc/contract"
	mqrpcv1 "github.com/mqrpc/mqrpc/proto/mqrpc/v1"
	"github.com/mqrpc/mqrpc/registry"
)

func notifierTests() []test {
	return slices.Concat([]test{
		{name: "Change", run: testWatchChange},
		{name: "EveryWatch", run: testEveryWatch},
		{name: "OnlyTheFollowed", run: testOnlyTheFollowed},
		{name: "WholeStateOrNone", run: testWholeState},
		{name: "Deletion", run: testWatchDeletion},
		{name: "BigAPI", run: testWatchBigAPI},
		{name: "ThousandsOfAPIs", run: testFollowThousands},
		{name: "OneAtATime", run: testOneAtATime},
		{name: "FollowEndedContext", run: testFollowEndedContext},
		{name: "CloseWatch", run: testCloseWatch},
		{name: "CloseNotifier", run: testCloseNotifier},
	}, gapTests(), notifierFaultTests())
}

func testWatchChange(f *fixture) {
	store, writer := f.store(), f.notifier()
	watch, in := f.watch()
	api := API(key, 1, 1)
	f.follow(watch, key) // before it exists
	f.follow(watch, key) // twice is once
	for i := range 5 {
		from := len(in.all())
		f.change(store, writer, api)
		f.eventually("learn of the change", func() error { return in.told(api, from) })
		api = Next(api, time.Duration(i+1)*time.Second)
	}
}

func testEveryWatch(f *fixture) {
	store, writer := f.store(), f.notifier()
	api := API(key, 1, 1)
	var inboxes []*inbox
	for range 5 {
		watch, in := f.watch()
		f.follow(watch, key)
		inboxes = append(inboxes, in)
	}
	f.change(store, writer, api)
	for i, in := range inboxes {
		f.eventually(fmt.Sprintf("watch %d learns of the change", i), func() error { return in.told(api, 0) })
	}
}

func testOnlyTheFollowed(f *fixture) {
	store, writer := f.store(), f.notifier()
	watch, in := f.watch()
	followed := API(contract.Key{Module: "followed", Version: "1"}, 1, 1)
	dropped := API(contract.Key{Module: "dropped", Version: "1"}, 1, 1)
	never := API(contract.Key{Module: "never", Version: "1"}, 1, 1)
	f.follow(watch, contract.KeyOf(followed))
	f.follow(watch, contract.KeyOf(dropped))
	f.change(store, writer, dropped)
	f.eventually("learn of a change", func() error { return in.told(dropped, 0) })
	watch.Unfollow(contract.KeyOf(dropped))
	watch.Unfollow(contract.KeyOf(never)) // does nothing

	dropped = Next(dropped, time.Second)
	f.change(store, writer, never)
	f.change(store, writer, dropped)
	f.change(store, writer, followed)
	f.eventually("learn of the change that is followed", func() error { return in.told(followed, 0) })
	for _, event := range in.all() {
		if event.Key == contract.KeyOf(never) || event.Key == contract.KeyOf(dropped) && event.API.GetSequence() > 1 {
			f.t.Errorf("an event for %s at %d, which is not followed", event.Key, event.API.GetSequence())
		}
	}

	// Followed again, it is followed again.
	from := len(in.all())
	f.follow(watch, contract.KeyOf(dropped))
	dropped = Next(dropped, 2*time.Second)
	f.change(store, writer, dropped)
	f.eventually("learn of what is followed again", func() error { return in.told(dropped, from) })
}

func testWholeState(f *fixture) {
	store, writer := f.store(), f.notifier()
	watch, in := f.watch()
	f.follow(watch, key)
	states := map[int64]*mqrpcv1.Api{}
	api := API(key, 1, 3)
	for i := range 10 {
		api.Policy = &mqrpcv1.Policy{DefaultResponses: map[string]string{"*": fmt.Sprint(i)}}
		f.change(store, writer, api)
		states[api.GetSequence()] = api
		api = API(key, api.GetSequence()+1, i+1)
	}
	last := states[int64(len(states))]
	f.eventually("learn of the last change", func() error { return in.told(last, 0) })
	for _, event := range in.all() {
		if event.API != nil && !proto.Equal(event.API, states[event.API.GetSequence()]) {
			f.t.Errorf("an event carries another state than was announced:\n got %s\nwant %s",
				describe(event.API), describe(states[event.API.GetSequence()]))
		}
		if event.API != nil && contract.KeyOf(event.API) != event.Key {
			f.t.Errorf("an event for %s carries %s", event.Key, contract.KeyOf(event.API))
		}
	}
}

func testWatchDeletion(f *fixture) {
	store, writer := f.store(), f.notifier()
	watch, in := f.watch()
	api := API(key, 1, 1)
	f.change(store, writer, api)
	f.follow(watch, key)
	from := len(in.all())
	tombstone := Tombstone(api)
	f.change(store, writer, tombstone)
	f.eventually("learn of the deletion", func() error { return in.told(tombstone, from) })
	from = len(in.all())
	back := API(key, 3, 2)
	f.change(store, writer, back)
	f.eventually("learn of the return", func() error { return in.told(back, from) })
}

func testWatchBigAPI(f *fixture) {
	store, writer := f.store(), f.notifier()
	watch, in := f.watch()
	f.follow(watch, key)
	for i, size := range []int{1 << 20, 3 << 20} {
		from := len(in.all())
		api := BigAPI(key, int64(i)+1, size)
		f.change(store, writer, api)
		f.eventually("learn of a big change", func() error { return in.told(api, from) })
	}
}

func testFollowThousands(f *fixture) {
	const count = 2000
	store, writer := f.store(), f.notifier()
	watch, in := f.watch()
	for i := range count {
		f.follow(watch, contract.Key{Module: fmt.Sprintf("m%d", i), Version: "1"})
	}
	for i := 0; i < count; i += count / 20 {
		api := API(contract.Key{Module: fmt.Sprintf("m%d", i), Version: "1"}, 1, 1)
		f.change(store, writer, api)
		f.eventually("learn of a change among thousands", func() error { return in.told(api, 0) })
	}
}

func testOneAtATime(f *fixture) {
	store, writer := f.store(), f.notifier()
	var inside, calls atomic.Int32
	in := &inbox{}
	watch, err := writer.Watch(func(event registry.Event) {
		if inside.Add(1) != 1 {
			f.t.Error("notify is called while it runs")
		}
		in.notify(event)
		calls.Add(1)
		inside.Add(-1)
	})
	if err != nil {
		f.t.Fatal(err)
	}
	defer func() { _ = watch.Close() }()
	var last []*mqrpcv1.Api
	for i := range 20 {
		k := contract.Key{Module: fmt.Sprintf("m%d", i), Version: "1"}
		f.follow(watch, k)
		last = append(last, API(k, 1, 1))
	}
	for _, api := range last {
		f.change(store, writer, api)
	}
	for _, api := range last {
		f.eventually("learn of all changes", func() error { return in.told(api, 0) })
	}
}

func testFollowEndedContext(f *fixture) {
	store, writer := f.store(), f.notifier()
	watch, in := f.watch()
	ended, cancel := context.WithCancel(f.t.Context())
	cancel()
	// Whatever it returns, the API is followed from now or from an event on.
	if err := watch.Follow(ended, key); err != nil {
		f.eventually("hear that an API is followed now", func() error { return in.told(&mqrpcv1.Api{Module: key.Module, Version: key.Version}, 0) })
	}
	from := len(in.all())
	api := API(key, 1, 1)
	f.change(store, writer, api)
	f.eventually("learn of the change", func() error { return in.told(api, from) })
}

func testCloseWatch(f *fixture) {
	store, notifier := f.store(), f.notifier()
	var closed atomic.Bool
	closing, err := notifier.Watch(func(registry.Event) {
		if closed.Load() {
			f.t.Error("notify is called after Close")
		}
	})
	if err != nil {
		f.t.Fatal(err)
	}
	staying, in := f.watch()
	f.follow(closing, key)
	f.follow(staying, key)
	for range 2 {
		if err := closing.Close(); err != nil {
			f.t.Fatalf("close: %v", err)
		}
		closed.Store(true)
	}
	f.wantError("follow after close", closing.Follow(f.ctx(), key), registry.ErrClosed)
	closing.Unfollow(key) // does nothing
	api := API(key, 1, 1)
	f.change(store, notifier, api)
	f.eventually("the other watch learns of the change", func() error { return in.told(api, 0) })
}

func testCloseNotifier(f *fixture) {
	notifier := f.backend.Notifier(f.t)
	watch, err := notifier.Watch(func(registry.Event) {})
	if err != nil {
		f.t.Fatal(err)
	}
	f.follow(watch, key)
	for range 2 {
		if err := notifier.Close(); err != nil {
			f.t.Fatalf("close: %v", err)
		}
	}
	f.wantError("follow after close", watch.Follow(f.ctx(), key), registry.ErrClosed)
	if err := watch.Close(); err != nil {
		f.t.Fatalf("close a watch after its notifier: %v", err)
	}
	if _, err := notifier.Watch(func(registry.Event) {}); err == nil {
		f.t.Fatal("a closed notifier watches")
	}
}
