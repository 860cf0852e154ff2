package registrytest

import (
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/mqrpc/mqrpc/contract"
	"github.com/mqrpc/mqrpc/registry"
)

func gapTests() []test {
	return []test{
		{name: "NothingIsMissedBetweenFollowAndRead", run: testNoGap},
		{name: "LateAndEarlyFollowers", run: testLateFollowers},
	}
}

// testNoGap follows while a writer is at work. What the follower has read after
// following, and what it has been told since, together make the last state.
//
// The writer saves first here: what is announced before Follow and saved after
// the read is for the catalog to find.
func testNoGap(f *fixture) {
	const apis, changes = 40, 6
	store, reader, writer := f.store(), f.store(), f.notifier()
	watch, in := f.watch()
	var group sync.WaitGroup
	defer group.Wait()
	for i := range apis {
		k := contract.Key{Module: fmt.Sprintf("m%d", i), Version: "1"}
		api := API(k, 1, 1)
		f.change(store, writer, api)

		started := make(chan struct{})
		group.Go(func() {
			state := api
			for n := range changes {
				state = Next(state, time.Duration(n+1)*time.Second)
				if err := store.Save(f.ctx(), state); err != nil {
					f.t.Errorf("save: %v", err)
				}
				if err := writer.Announce(f.ctx(), state); err != nil {
					f.t.Errorf("announce: %v", err)
				}
				if n == i%changes {
					close(started)
				}
			}
		})
		<-started
		from := len(in.all())
		f.follow(watch, k)
		got, err := reader.Load(f.ctx(), k)
		if err != nil {
			f.t.Fatalf("load: %v", err)
		}
		group.Wait()
		last := api.GetSequence() + changes
		if got.GetSequence() == last {
			continue
		}
		want := API(k, last, 1)
		f.eventually(fmt.Sprintf("learn of what came after reading sequence %d", got.GetSequence()), func() error {
			return in.told(want, from)
		})
	}
}

// testLateFollowers has watches come and go while changes are made.
func testLateFollowers(f *fixture) {
	store, writer := f.store(), f.notifier()
	api := API(key, 1, 1)
	f.change(store, writer, api)
	for i := range 10 {
		watch, in := f.watch()
		f.follow(watch, key)
		got, err := store.Load(f.ctx(), key)
		if err != nil || got.GetSequence() != api.GetSequence() {
			f.t.Fatalf("load: got sequence %d, want %d; error %v", got.GetSequence(), api.GetSequence(), err)
		}
		from := len(in.all())
		api = Next(api, time.Duration(i+1)*time.Second)
		f.change(store, writer, api)
		f.eventually("a new watch learns of the change", func() error { return in.told(api, from) })
		if err := watch.Close(); err != nil && !errors.Is(err, registry.ErrClosed) {
			f.t.Fatalf("close: %v", err)
		}
	}
}
