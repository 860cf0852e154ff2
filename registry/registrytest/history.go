package registrytest

import (
	"slices"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/proto"

	"github.com/mqrpc/mqrpc/contract"
	mqrpcv1 "github.com/mqrpc/mqrpc/proto/mqrpc/v1"
	"github.com/mqrpc/mqrpc/registry"
)

func historyTests() []test {
	return []test{
		{name: "History", run: testHistory},
		{name: "RollBack", run: testRollBack},
		{name: "HistoryPages", run: testHistoryPages},
		{name: "ChangesAreKept", run: testChangesAreKept},
	}
}

// changes saves that many changes of an API, each of another kind.
func (f *fixture) changes(store registry.Store, count int) []*mqrpcv1.Api {
	f.t.Helper()
	var states []*mqrpcv1.Api
	api := API(key, 1, 1)
	for i := range count {
		switch {
		case i == 0:
		case i%7 == 6:
			api = Tombstone(api)
		case i%2 == 0:
			api = Next(api, time.Duration(i)*time.Second)
		default:
			api = API(key, api.GetSequence()+1, i%5+1)
		}
		f.save(store, api)
		states = append(states, api)
	}
	return states
}

func testHistory(f *fixture) {
	store := f.store()
	states := f.changes(store, 9)
	f.save(store, API(contract.Key{Module: key.Module, Version: "1.1"}, 1, 1)) // not part of it

	got, err := store.History(f.ctx(), registry.HistoryQuery{Key: key})
	if err != nil {
		f.t.Fatalf("history: %v", err)
	}
	var want []registry.Change
	for _, state := range slices.Backward(states) {
		want = append(want, registry.ChangeOf(state))
	}
	if diff := cmp.Diff(want, got); diff != "" {
		f.t.Errorf("history (-want +got):\n%s", diff)
	}
	for _, state := range states {
		at, err := store.LoadAt(f.ctx(), key, state.GetSequence())
		if err != nil || !proto.Equal(at, state) {
			f.t.Errorf("load at %d: got %s, error %v\nwant %s", state.GetSequence(), describe(at), err, describe(state))
		}
	}
	_, err = store.LoadAt(f.ctx(), key, int64(len(states))+1)
	f.wantError("load a change to come", err, registry.ErrNotFound)
}

func testRollBack(f *fixture) {
	store := f.store()
	first, second := API(key, 1, 1), API(key, 2, 2)
	f.save(store, first)
	f.save(store, second)
	back := proto.CloneOf(first)
	back.Sequence = 3
	f.save(store, back)
	f.wantState(store, back)
	at, err := store.LoadAt(f.ctx(), key, 2)
	if err != nil || !proto.Equal(at, second) {
		f.t.Fatalf("the state before the rollback: got %s, error %v", describe(at), err)
	}
}

func testHistoryPages(f *fixture) {
	store := f.store()
	states := f.changes(store, 7)
	var sequences []int64
	query := registry.HistoryQuery{Key: key, Limit: 3}
	for {
		page, err := store.History(f.ctx(), query)
		if err != nil {
			f.t.Fatalf("history before %d: %v", query.Before, err)
		}
		for _, change := range page {
			sequences = append(sequences, change.Sequence)
		}
		if len(page) < query.Limit {
			break
		}
		query.Before = page[len(page)-1].Sequence
	}
	want := []int64{7, 6, 5, 4, 3, 2, 1}[:len(states)]
	if !slices.Equal(sequences, want) {
		f.t.Fatalf("pages of history: got %v, want %v", sequences, want)
	}
}

func testChangesAreKept(f *fixture) {
	store := f.store()
	f.changes(store, registry.KeepChanges+20)
	changes, err := store.History(f.ctx(), registry.HistoryQuery{Key: key})
	if err != nil || len(changes) < registry.KeepChanges {
		f.t.Fatalf("%d changes are kept, want at least %d; error %v", len(changes), registry.KeepChanges, err)
	}
	for i, change := range changes {
		at, err := store.LoadAt(f.ctx(), key, change.Sequence)
		if err != nil || registry.HeadOf(at) != change.Head {
			f.t.Fatalf("entry %d of the history cannot be loaded: %+v, error %v", i, change.Head, err)
		}
	}
}
