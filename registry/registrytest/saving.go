package registrytest

import (
	"errors"
	"slices"
	"sync"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/mqrpc/mqrpc/contract"
	mqrpcv1 "github.com/mqrpc/mqrpc/proto/mqrpc/v1"
	"github.com/mqrpc/mqrpc/registry"
)

var key = contract.Key{Module: "wxapp", Version: "1.0"}

func storeTests() []test {
	return slices.Concat(savingTests(), historyTests(), listingTests(), limitTests(), storeFaultTests())
}

func savingTests() []test {
	return []test{
		{name: "LoadUnknown", run: testLoadUnknown},
		{name: "SaveAndLoad", run: testSaveAndLoad},
		{name: "SeenByOthers", run: testSeenByOthers},
		{name: "SequenceDecides", run: testSequenceDecides},
		{name: "OneOfManyWritersWins", run: testOneWriterWins},
		{name: "EveryWriterGetsThrough", run: testEveryWriterGetsThrough},
		{name: "Delete", run: testDelete},
		{name: "NothingIsShared", run: testNothingIsShared},
	}
}

func testLoadUnknown(f *fixture) {
	store := f.store()
	_, err := store.Load(f.ctx(), key)
	f.wantError("load", err, registry.ErrNotFound)
	_, err = store.LoadAt(f.ctx(), key, 1)
	f.wantError("load at 1", err, registry.ErrNotFound)
	_, err = store.History(f.ctx(), registry.HistoryQuery{Key: key})
	f.wantError("history", err, registry.ErrNotFound)
}

func testSaveAndLoad(f *fixture) {
	store := f.store()
	api := API(key, 1, 2)
	f.save(store, api)
	f.wantState(store, api)

	api = Next(api, 3*time.Second)
	api.Policy.Disabled, api.Pinned = true, true
	api.Policy.DefaultResponses = map[string]string{"*": `{"a":1}`, "Greeter.Greet": "{\"中\":\"文\"}"}
	api.Policy.Methods = map[string]*mqrpcv1.MethodPolicy{"Greeter.Greet": {Disabled: true}}
	api.ChangedBy = "ada@example.com: policy set ü"
	f.save(store, api)
	f.wantState(store, api)

	newer := API(key, 3, 3)
	f.save(store, newer)
	f.wantState(store, newer)

	// A version that differs in its spelling alone is another API.
	other := API(contract.Key{Module: "WXAPP", Version: "1.00"}, 1, 1)
	f.save(store, other)
	f.wantState(store, other)
	f.wantState(store, newer)
}

func testSeenByOthers(f *fixture) {
	writer, reader := f.store(), f.store()
	api := API(key, 1, 1)
	for range 20 {
		f.save(writer, api)
		f.wantState(reader, api)
		api = Next(api, time.Duration(api.GetSequence())*time.Second)
	}
}

func testSequenceDecides(f *fixture) {
	store := f.store()
	for _, sequence := range []int64{2, 7} {
		f.wantError("save a new API out of sequence", store.Save(f.ctx(), API(key, sequence, 1)), registry.ErrConflict)
	}
	api := API(key, 1, 1)
	f.save(store, api)
	for _, sequence := range []int64{1, 3} {
		f.wantError("save out of sequence", store.Save(f.ctx(), API(key, sequence, 2)), registry.ErrConflict)
	}
	f.wantState(store, api)
	changes, err := store.History(f.ctx(), registry.HistoryQuery{Key: key})
	if err != nil || len(changes) != 1 {
		f.t.Fatalf("a refused change is in the history: %v, %v", changes, err)
	}
}

func testOneWriterWins(f *fixture) {
	const writers = 8
	stores := make([]registry.Store, writers)
	for i := range stores {
		stores[i] = f.store()
	}
	for round := range int64(5) {
		errs := make([]error, writers)
		apis := make([]*mqrpcv1.Api, writers)
		var group sync.WaitGroup
		for i := range writers {
			apis[i] = API(key, round+1, i+1)
			group.Go(func() { errs[i] = stores[i].Save(f.ctx(), apis[i]) })
		}
		group.Wait()

		winner := -1
		for i, err := range errs {
			switch {
			case err == nil && winner < 0:
				winner = i
			case err == nil:
				f.t.Fatalf("the writers %d and %d both saved sequence %d", winner, i, round+1)
			case !errors.Is(err, registry.ErrConflict):
				f.t.Fatalf("writer %d: got error %v, want %v", i, err, registry.ErrConflict)
			}
		}
		if winner < 0 {
			f.t.Fatalf("no writer saved sequence %d: %v", round+1, errs)
		}
		f.wantState(stores[0], apis[winner])
	}
}

func testEveryWriterGetsThrough(f *fixture) {
	const writers, changes = 4, 5
	f.save(f.store(), API(key, 1, 1))
	var group sync.WaitGroup
	for range writers {
		store := f.store()
		group.Go(func() {
			for done := 0; done < changes && f.ctx().Err() == nil; {
				current, err := store.Load(f.ctx(), key)
				if err != nil {
					f.t.Errorf("load: %v", err)
					return
				}
				err = store.Save(f.ctx(), Next(current, time.Second))
				switch {
				case err == nil:
					done++
				case !errors.Is(err, registry.ErrConflict):
					f.t.Errorf("save: %v", err)
					return
				}
			}
		})
	}
	group.Wait()
	got, err := f.store().Load(f.ctx(), key)
	if err != nil || got.GetSequence() != 1+writers*changes {
		f.t.Fatalf("after %d changes the sequence is %d, error %v", writers*changes, got.GetSequence(), err)
	}
}

func testDelete(f *fixture) {
	store := f.store()
	api := API(key, 1, 1)
	f.save(store, api)
	tombstone := Tombstone(api)
	f.save(store, tombstone)
	f.wantState(store, tombstone)

	f.wantError("begin anew at 1", store.Save(f.ctx(), api), registry.ErrConflict)
	back := API(key, 3, 2)
	f.save(store, back)
	f.wantState(store, back)
}

func testNothingIsShared(f *fixture) {
	store := f.store()
	api := API(key, 1, 1)
	want := proto.CloneOf(api)
	f.save(store, api)
	if !proto.Equal(api, want) {
		f.t.Fatal("Save has changed what it was given")
	}
	api.ChangedBy = "mallory"
	api.Files.File[0].Package = proto.String("mallory")
	f.wantState(store, want)
	got, err := store.Load(f.ctx(), key)
	if err != nil {
		f.t.Fatal(err)
	}
	got.Files.File = nil
	f.wantState(store, want)
}
