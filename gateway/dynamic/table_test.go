package dynamic

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"testing"

	"github.com/mqrpc/mqrpc/contract"
	"github.com/mqrpc/mqrpc/gateway"
)

func keyOf(i int) contract.Key {
	return contract.Key{Module: fmt.Sprintf("module-%d", i), Version: "1.0"}
}

func TestTable(t *testing.T) {
	table := newTable()
	const entries = 20_000
	var writers sync.WaitGroup
	for part := range 4 {
		writers.Go(func() {
			for i := part; i < entries; i += 4 {
				table.put(newEntry(keyOf(i)))
			}
		})
	}
	writers.Wait()
	if got := table.len(); got != entries {
		t.Errorf("%d entries, want %d", got, entries)
	}
	for i := range entries {
		e := table.get(keyOf(i))
		if e == nil || e.key != keyOf(i) {
			t.Fatalf("entry %d is not there", i)
		}
		if i%2 == 0 && (!table.remove(e) || table.remove(e) || table.get(e.key) != nil) {
			t.Fatalf("entry %d cannot be removed once", i)
		}
	}
	count := 0
	for range table.all() {
		count++
	}
	if count != entries/2 || table.len() != entries/2 {
		t.Errorf("%d entries are left, and it says %d, want %d", count, table.len(), entries/2)
	}
	again := newEntry(keyOf(1))
	table.put(again)
	if table.get(keyOf(1)) != again || table.len() != entries/2 {
		t.Error("an entry is not replaced")
	}
}

func TestUnknownIsBounded(t *testing.T) {
	u := newUnknown(100)
	for i := range 1000 {
		u.put(keyOf(i), errAbsent, DefaultUnknownFor)
		u.put(keyOf(i), errAbsent, DefaultUnknownFor)
	}
	if u.len() != 100 || len(u.order) > 200 || !u.has(keyOf(999)) || u.has(keyOf(1)) {
		t.Errorf("%d names, %d in order", u.len(), len(u.order))
	}
	for i := range 1000 { // come and go
		u.put(keyOf(i), errAbsent, DefaultUnknownFor)
		u.forget(keyOf(i))
	}
	if u.len() > 100 || len(u.order) > 200 {
		t.Errorf("%d names, %d in order", u.len(), len(u.order))
	}
}

func TestInstancesAreBounded(t *testing.T) {
	s := newInstances(10)
	for i := range 100 {
		s.put(keyOf(i), Instance{Instance: "a"})
	}
	if s.len() != 10 || !s.put(keyOf(0), Instance{Instance: "a"}) || s.put(keyOf(0), Instance{Instance: "b"}) {
		t.Errorf("%d instances", s.len())
	}
	for i := range 100 {
		s.remove(keyOf(i), "a")
	}
	if s.len() != 0 || len(s.byKey) != 0 || len(s.modules) != 0 {
		t.Errorf("%d instances, %d keys, %d modules are left", s.len(), len(s.byKey), len(s.modules))
	}
}

// BenchmarkLookup finds a loaded API among so many: the time is flat.
func BenchmarkLookup(b *testing.B) {
	for _, loaded := range []int{1, 1000, 100_000} {
		b.Run(fmt.Sprint(loaded), func(b *testing.B) {
			apis, err := New(Config{Logger: slog.New(slog.DiscardHandler)})
			if err != nil {
				b.Fatal(err)
			}
			defer func() { _ = apis.Close(context.Background()) }()
			for i := range loaded {
				e := newEntry(keyOf(i))
				e.state.Store(&state{api: &gateway.API{}})
				apis.table.put(e)
			}
			source := apis.Source()
			key := keyOf(loaded / 2)
			b.ReportAllocs()
			for b.Loop() {
				if _, err := source.API(b.Context(), key.Module, key.Version); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
