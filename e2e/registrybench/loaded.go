package main

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	goruntime "runtime"
	"sync"
	"sync/atomic"
	"time"

	"github.com/mqrpc/mqrpc/catalog"
	"github.com/mqrpc/mqrpc/contract"
	mqrpcv1 "github.com/mqrpc/mqrpc/proto/mqrpc/v1"
	"github.com/mqrpc/mqrpc/registry"
	"github.com/mqrpc/mqrpc/registry/memory"
)

// counted is a store that counts what it is asked.
type counted struct {
	registry.Store

	loads, queries atomic.Int64
}

func (c *counted) Load(ctx context.Context, key contract.Key) (*mqrpcv1.Api, error) {
	c.loads.Add(1)
	c.queries.Add(1)
	return c.Store.Load(ctx, key)
}

func (c *counted) Heads(ctx context.Context, keys []contract.Key) ([]registry.Head, error) {
	c.queries.Add(1)
	return c.Store.Heads(ctx, keys)
}

// source starts the dynamic side of a gateway on a registry of some APIs.
func source(ctx context.Context, count int) (*catalog.Catalog, *counted, error) {
	store := &counted{Store: memory.New()}
	for api := range generated(count) {
		if err := store.Save(ctx, api); err != nil {
			return nil, nil, err
		}
	}
	apis, err := catalog.New(catalog.Config{Store: store, Logger: slog.New(slog.DiscardHandler)})
	return apis, store, err
}

// cold has 1,000 requests at once for an API that is not loaded.
func (b *bench) cold(ctx context.Context, r *results) error {
	apis, store, err := source(ctx, 1)
	if err != nil {
		return err
	}
	defer closeAPIs(apis)
	key, start := keyOf(0), make(chan struct{})
	var failed atomic.Int64
	var requests sync.WaitGroup
	for range 1000 {
		requests.Go(func() {
			<-start
			if _, err := apis.API(ctx, key.Module, key.Version); err != nil {
				failed.Add(1)
			}
		})
	}
	close(start)
	requests.Wait()
	if failed.Load() > 0 {
		return fmt.Errorf("cold: %d of 1,000 requests failed", failed.Load())
	}
	r.LoadsFor1000Cold = store.loads.Load()
	note("1,000 requests at once for a cold API: %d loads", r.LoadsFor1000Cold)
	return nil
}

// invented has 100,000 requests for APIs that do not exist, each for another.
func (b *bench) invented(ctx context.Context, r *results) error {
	apis, store, err := source(ctx, 1)
	if err != nil {
		return err
	}
	defer closeAPIs(apis)
	before, began := heap(), time.Now()
	var next atomic.Int64
	var callers sync.WaitGroup
	for range 64 {
		callers.Go(func() {
			for i := next.Add(1); i <= many; i = next.Add(1) {
				_, _ = apis.API(ctx, fmt.Sprintf("invented-%d", i), "1.0") // it fails
			}
		})
	}
	callers.Wait()
	r.StoreQueriesInvented = store.queries.Load()
	note("%d requests for invented names in %v: %d queries of the store, %.1f MiB of heap, %d names remembered",
		many, time.Since(began).Round(time.Millisecond), r.StoreQueriesInvented,
		float64(heap()-before)/(1<<20), apis.Stats().Unknown)
	return nil
}

// lookups measures the look-up of a loaded API with 1, 1,000 and 100,000 APIs
// loaded, and what they keep in memory.
func (b *bench) lookups(ctx context.Context, r *results) error {
	for _, count := range []int{1, 1000, many} {
		apis, _, err := source(ctx, count)
		if err != nil {
			return err
		}
		before, began := heap(), time.Now()
		if err := loadAll(ctx, apis, count); err != nil {
			return err
		}
		loaded := time.Since(began)
		perThousand := (heap() - before) * 1000 / int64(count)
		ns, spread := lookupTime(ctx, apis, count, 16), lookupTime(ctx, apis, count, 1000)
		note("%6d loaded in %v: %.0f ns a look-up with 16 favourites, %.0f ns with 1,000; %.1f MiB of heap for 1,000",
			count, loaded.Round(time.Millisecond), ns, spread, float64(perThousand)/(1<<20))
		switch count {
		case 1:
			r.LookupNS1 = ns
		case many:
			r.LookupNS100k, r.HeapPer1000LoadedBytes = ns, perThousand
		}
		closeAPIs(apis)
	}
	return nil
}

func loadAll(ctx context.Context, apis *catalog.Catalog, count int) error {
	for i := range count {
		key := keyOf(i)
		if _, err := apis.API(ctx, key.Module, key.Version); err != nil {
			return fmt.Errorf("load %s: %w", key, err)
		}
	}
	return nil
}

// lookupTime is the median of several runs of look-ups of some favourites, at
// random among those that are loaded. With few favourites it shows the work that
// a look-up takes, with many also what the processor's caches do not hold.
func lookupTime(ctx context.Context, apis *catalog.Catalog, count, favourites int) float64 {
	const runs, lookups = 9, 200_000
	keys := make([]contract.Key, min(count, favourites))
	for i := range keys {
		keys[i] = keyOf(rand.IntN(count)) //nolint:gosec // a sample
	}
	times := make([]float64, 0, runs)
	for range runs {
		began := time.Now()
		for i := range lookups {
			key := keys[i%len(keys)]
			_, _ = apis.API(ctx, key.Module, key.Version) // it is loaded
		}
		times = append(times, float64(time.Since(began).Nanoseconds())/lookups)
	}
	return median(times)
}

func closeAPIs(apis *catalog.Catalog) {
	if err := apis.Close(context.Background()); err != nil {
		note("close: %v", err)
	}
}

// heap is what is in use after a collection.
func heap() int64 {
	goruntime.GC()
	var stats goruntime.MemStats
	goruntime.ReadMemStats(&stats)
	return int64(stats.HeapAlloc) //nolint:gosec // far below
}
