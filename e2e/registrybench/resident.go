package main

import (
	"context"
	"fmt"
	"iter"
	"path/filepath"
	"slices"
	"time"

	"github.com/mqrpc/mqrpc/contract"
	mqrpcv1 "github.com/mqrpc/mqrpc/proto/mqrpc/v1"
	"github.com/mqrpc/mqrpc/registry/registrytest"
	"github.com/mqrpc/mqrpc/registry/sql"
)

// many is the number of APIs in a large registry.
const many = 100_000

// starts is how often a gateway is started on each registry; the median counts.
const starts = 5

// resident compares a gateway that has just started on a registry of 100,000
// APIs with one on an empty registry.
func (b *bench) resident(ctx context.Context, r *results) error {
	empty, err := b.fill(ctx, "empty.db", 0)
	if err != nil {
		return err
	}
	began := time.Now()
	full, err := b.fill(ctx, "full.db", many)
	if err != nil {
		return err
	}
	note("%d APIs saved in %v", many, time.Since(began).Round(time.Millisecond))
	var bytes, times [2][]float64
	for range starts { // in turn, so that both see the same machine
		for i, path := range []string{empty, full} {
			g, err := b.startGateway(ctx, "--registry", "sqlite:"+path)
			if err != nil {
				return err
			}
			resident, err := g.resident()
			g.stop()
			if err != nil {
				return err
			}
			bytes[i] = append(bytes[i], float64(resident))
			times[i] = append(times[i], milliseconds(g.started))
		}
	}
	r.RSS100kVs0 = median(bytes[1]) / median(bytes[0])
	r.StartMS0, r.StartMS100k = median(times[0]), median(times[1])
	note("resident memory after the start: %.1f MiB with none in the store, %.1f MiB with %d; start %.0f ms and %.0f ms",
		median(bytes[0])/(1<<20), median(bytes[1])/(1<<20), many, r.StartMS0, r.StartMS100k)
	return nil
}

// fill makes a registry of some APIs and returns its file.
func (b *bench) fill(ctx context.Context, name string, count int) (string, error) {
	path := filepath.Join(b.dir, name)
	store, err := sql.OpenSQLite(ctx, sql.SQLiteConfig{Path: path})
	if err != nil {
		return "", err
	}
	saved, err := store.Import(ctx, generated(count))
	if err == nil && saved != count {
		err = fmt.Errorf("%d of %d APIs were saved", saved, count)
	}
	if closeErr := store.Close(); err == nil {
		err = closeErr
	}
	return path, err
}

// generated are APIs, each in a module of its own.
func generated(count int) iter.Seq[*mqrpcv1.Api] {
	return func(yield func(*mqrpcv1.Api) bool) {
		for i := range count {
			if !yield(registrytest.API(keyOf(i), 1, 3)) {
				return
			}
		}
	}
}

func keyOf(i int) contract.Key {
	return contract.Key{Module: fmt.Sprintf("module-%d", i), Version: "1.0"}
}

func median(values []float64) float64 {
	slices.Sort(values)
	return values[len(values)/2]
}
