package registrytest

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/mqrpc/mqrpc/contract"
	"github.com/mqrpc/mqrpc/registry"
)

func limitTests() []test {
	return []test{
		{name: "BigAPI", run: testBigAPI},
		{name: "InvalidAPI", run: testInvalidAPI},
		{name: "LongestNames", run: testLongestNames},
		{name: "EndedContext", run: testEndedContext},
		{name: "Close", run: testCloseStore},
	}
}

func testBigAPI(f *fixture) {
	store := f.store()
	api := BigAPI(key, 1, 1<<20)
	f.save(store, api)
	f.wantState(store, api)
	api = BigAPI(key, 2, 3<<20)
	f.save(store, api)
	f.wantState(store, api)
	at, err := store.LoadAt(f.ctx(), key, 1)
	if err != nil || at.GetSequence() != 1 {
		f.t.Fatalf("load at 1: %v", err)
	}
	f.wantError("save what is too big", store.Save(f.ctx(), BigAPI(key, 3, contract.MaxBytes)), registry.ErrInvalid)
	f.wantState(store, api)
}

func testInvalidAPI(f *fixture) {
	store := f.store()
	valid := API(key, 1, 1)
	for name, spoil := range map[string]func(){
		"no module":      func() { valid.Module = "" },
		"hostile module": func() { valid.Module = "../../etc" },
		"long version":   func() { valid.Version = strings.Repeat("1", 51) },
		"no sequence":    func() { valid.Sequence = 0 },
		"no files":       func() { valid.Files = nil },
		"wrong revision": func() { valid.Revision = "0123" },
	} {
		valid = API(key, 1, 1)
		spoil()
		f.wantError("save an API with "+name, store.Save(f.ctx(), valid), registry.ErrInvalid)
	}
	heads, err := store.List(f.ctx(), registry.ListQuery{Deleted: true})
	if err != nil || len(heads) != 0 {
		f.t.Fatalf("invalid APIs are listed: %v, error %v", heads, err)
	}
}

func testLongestNames(f *fixture) {
	store := f.store()
	api := API(contract.Key{Module: "m" + strings.Repeat("_", 99), Version: strings.Repeat("9", 50)}, 1, 1)
	f.save(store, api)
	f.wantState(store, api)
}

func testEndedContext(f *fixture) {
	store := f.store()
	api := API(key, 1, 1)
	f.save(store, api)
	ended, cancel := context.WithCancel(f.t.Context())
	cancel()
	late, cancel := context.WithDeadline(f.t.Context(), time.Unix(1, 0))
	defer cancel()
	for _, ctx := range []context.Context{ended, late} {
		for name, call := range map[string]func() error{
			"Load":    func() error { _, err := store.Load(ctx, key); return err },
			"LoadAt":  func() error { _, err := store.LoadAt(ctx, key, 1); return err },
			"Heads":   func() error { _, err := store.Heads(ctx, []contract.Key{key}); return err },
			"List":    func() error { _, err := store.List(ctx, registry.ListQuery{}); return err },
			"History": func() error { _, err := store.History(ctx, registry.HistoryQuery{Key: key}); return err },
			"Save":    func() error { return store.Save(ctx, Next(api, time.Second)) },
		} {
			err := call()
			if !errors.Is(err, registry.ErrUnavailable) || !errors.Is(err, ctx.Err()) {
				f.t.Errorf("%s with an ended context: got error %v, want %v and %v", name, err, registry.ErrUnavailable, ctx.Err())
			}
		}
	}
	f.wantState(store, api)
}

func testCloseStore(f *fixture) {
	store := f.backend.Store(f.t)
	api := API(key, 1, 1)
	f.save(store, api)
	for range 2 {
		if err := store.Close(); err != nil {
			f.t.Fatalf("close: %v", err)
		}
	}
	_, err := store.Load(f.ctx(), key)
	f.wantError("load after close", err, registry.ErrClosed)
	f.wantError("save after close", store.Save(f.ctx(), Next(api, time.Second)), registry.ErrClosed)
}
