package sql_test

import (
	"fmt"
	"iter"
	"path/filepath"
	"testing"

	"github.com/mqrpc/mqrpc/contract"
	mqrpcv1 "github.com/mqrpc/mqrpc/proto/mqrpc/v1"
	"github.com/mqrpc/mqrpc/registry"
	"github.com/mqrpc/mqrpc/registry/registrytest"
	"github.com/mqrpc/mqrpc/registry/sql"
)

// many is the number of APIs in the benchmarks' store.
const many = 100_000

func keyAt(i int) contract.Key {
	return contract.Key{Module: fmt.Sprintf("m%d", i/10), Version: fmt.Sprintf("%d.0", i%10)}
}

func apis(count int) iter.Seq[*mqrpcv1.Api] {
	return func(yield func(*mqrpcv1.Api) bool) {
		for i := range count {
			if !yield(registrytest.API(keyAt(i), 1, 3)) {
				return
			}
		}
	}
}

func BenchmarkSQLite(b *testing.B) {
	store, err := sql.OpenSQLite(b.Context(), sql.SQLiteConfig{Path: filepath.Join(b.TempDir(), "registry.db")})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = store.Close() })
	if n, err := store.Import(b.Context(), apis(many)); n != many || err != nil {
		b.Fatalf("%d APIs were imported, error %v", n, err)
	}
	benchmark(b, store)
}

// benchmark measures what gateways ask of a store with many APIs.
func benchmark(b *testing.B, store *sql.Store) {
	b.Helper()
	b.Run("Load", func(b *testing.B) {
		for i := 0; b.Loop(); i++ {
			if _, err := store.Load(b.Context(), keyAt(i*7919%many)); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("LoadUnknown", func(b *testing.B) {
		for b.Loop() {
			if _, err := store.Load(b.Context(), contract.Key{Module: "nobody", Version: "1"}); err == nil {
				b.Fatal("it was found")
			}
		}
	})
	b.Run("Heads1000", func(b *testing.B) {
		keys := make([]contract.Key, registry.MaxHeads)
		for i := range keys {
			keys[i] = keyAt(i * 97)
		}
		for b.Loop() {
			if heads, err := store.Heads(b.Context(), keys); err != nil || len(heads) != len(keys) {
				b.Fatalf("%d heads, error %v", len(heads), err)
			}
		}
	})
	b.Run("List1000", func(b *testing.B) {
		for b.Loop() {
			if heads, err := store.List(b.Context(), registry.ListQuery{After: keyAt(many / 2)}); err != nil || len(heads) != registry.MaxPage {
				b.Fatalf("%d heads, error %v", len(heads), err)
			}
		}
	})
}
