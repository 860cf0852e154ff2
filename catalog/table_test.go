package catalog

import (
	"context"
	"fmt"
	"log/slog"
	"strconv"
	"sync"
	"testing"

	"github.com/mqrpc/mqrpc/contract"
)

func keyOf(i int) contract.Key {
	return contract.Key{Module: fmt.Sprintf("module-%d", i), Version: "1.0"}
}

// put brings an empty API into effect.
func (t *table) put(key contract.Key) *entry {
	e := t.lock(key)
	defer e.mu.Unlock()
	e.now.Store(&state{api: &API{}})
	t.count(e)
	return e
}

func TestTable(t *testing.T) {
	table := newTable()
	const entries = 20_000
	var writers sync.WaitGroup
	for part := range 4 {
		writers.Go(func() {
			for i := part; i < entries; i += 4 {
				table.put(keyOf(i))
				table.put(keyOf(i / 2)) // others put it, too
			}
		})
	}
	writers.Wait()
	if got := table.loaded.Load(); got != entries {
		t.Errorf("%d entries, want %d", got, entries)
	}
	for i := range entries {
		e := table.get(keyOf(i))
		if e == nil || e.key != keyOf(i) || !table.knowsModule(e.key.Module) {
			t.Fatalf("entry %d is not there", i)
		}
		if i%2 == 0 {
			continue
		}
		e.mu.Lock()
		e.now.Store(nil)
		table.count(e)
		table.remove(e)
		e.mu.Unlock()
		if table.get(e.key) != nil || table.knowsModule(e.key.Module) {
			t.Fatalf("entry %d cannot be removed", i)
		}
	}
	count := 0
	for range table.all() {
		count++
	}
	if loaded := table.loaded.Load(); count != entries/2 || loaded != entries/2 || len(table.modules) != entries/2 {
		t.Errorf("%d entries are left, and it says %d and %d modules, want %d", count, loaded, len(table.modules), entries/2)
	}
	if again := table.put(keyOf(1)); table.get(keyOf(1)) != again {
		t.Error("an entry does not come back")
	}
}

func TestInstancesAreBounded(t *testing.T) {
	c, err := New(Config{Limits: Limits{Instances: 10}, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = c.Close(context.Background()) }()
	for i := range 100 {
		c.hear(keyOf(i), Instance{Instance: "a"}, true, false)
	}
	c.hear(keyOf(0), Instance{Instance: "a"}, true, false)
	c.hear(keyOf(0), Instance{Instance: "b"}, true, false)
	if stats := c.Stats(); stats.Instances != 10 || stats.Crowded != 91 || len(c.table.modules) != 10 {
		t.Errorf("%d modules, %+v", len(c.table.modules), stats)
	}
	for i := range 100 {
		c.hear(keyOf(i), Instance{Instance: "a"}, true, true)
	}
	if stats := c.Stats(); stats.Instances != 0 || len(c.table.modules) != 0 || c.table.instances != 0 || len(c.table.crowds) != 0 {
		t.Errorf("%d modules, %+v", len(c.table.modules), stats)
	}
}

// TestNoModuleTakesAllInstances: those of others are still heard of.
func TestNoModuleTakesAllInstances(t *testing.T) {
	c, err := New(Config{Limits: Limits{Instances: 40}, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = c.Close(context.Background()) }()
	for i := range 100 {
		c.hear(contract.Key{Module: "greedy", Version: strconv.Itoa(i % 50)}, Instance{Instance: strconv.Itoa(i)}, true, false)
	}
	for i := range 30 {
		c.hear(keyOf(i), Instance{Instance: "a"}, true, false)
	}
	if stats := c.Stats(); stats.Instances != 40 || c.table.crowds["greedy"] != 10 {
		t.Errorf("got %d instances, %d of one module, want 40 and 10", stats.Instances, c.table.crowds["greedy"])
	}
}

// BenchmarkLookup finds a loaded API among so many: the time is flat.
func BenchmarkLookup(b *testing.B) {
	for _, loaded := range []int{1, 1000, 100_000} {
		b.Run(fmt.Sprint(loaded), func(b *testing.B) {
			c, err := New(Config{Logger: slog.New(slog.DiscardHandler)})
			if err != nil {
				b.Fatal(err)
			}
			defer func() { _ = c.Close(context.Background()) }()
			for i := range loaded {
				c.table.put(keyOf(i))
			}
			key := keyOf(loaded / 2)
			b.ReportAllocs()
			for b.Loop() {
				if c.Loaded(key.Module, key.Version) == nil {
					b.Fatal("it is not there")
				}
			}
		})
	}
}
