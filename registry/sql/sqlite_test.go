package sql_test

import (
	"errors"
	"path/filepath"
	"strconv"
	"testing"

	"go.uber.org/goleak"

	"github.com/mqrpc/mqrpc/contract"
	mqrpcv1 "github.com/mqrpc/mqrpc/proto/mqrpc/v1"
	"github.com/mqrpc/mqrpc/registry"
	"github.com/mqrpc/mqrpc/registry/registrytest"
	"github.com/mqrpc/mqrpc/registry/sql"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func openSQLite(t *testing.T, path string) *sql.Store {
	t.Helper()
	store, err := sql.OpenSQLite(t.Context(), sql.SQLiteConfig{Path: path})
	if err != nil {
		t.Fatal(err)
	}
	return store
}

func TestSQLiteContract(t *testing.T) {
	registrytest.Run(t, registrytest.Harness{
		New: func(t *testing.T) registrytest.Backend {
			path := filepath.Join(t.TempDir(), "a directory", "registry?#%.db")
			return registrytest.Backend{Store: func(t *testing.T) registry.Store { return openSQLite(t, path) }}
		},
		Lacks: map[registrytest.Feature]string{
			registrytest.Sever:    "a file has no connections",
			registrytest.Expire:   "a file has no sessions",
			registrytest.Stop:     "a file does not stop",
			registrytest.Announce: "a store announces nothing",
		},
	})
}

// TestImportOfLargeAPIs: a transaction holds as many as fit into its time.
func TestImportOfLargeAPIs(t *testing.T) {
	store := openSQLite(t, filepath.Join(t.TempDir(), "registry.db"))
	defer store.Close()
	saved, err := store.Import(t.Context(), func(yield func(*mqrpcv1.Api) bool) {
		for i := range 9 {
			if !yield(registrytest.BigAPI(contract.Key{Module: "big", Version: strconv.Itoa(i)}, 1, 3<<20)) {
				return
			}
		}
		yield(&mqrpcv1.Api{}) // invalid: what is in its transaction is not saved
	})
	if !errors.Is(err, registry.ErrInvalid) || saved < 4 || saved > 8 {
		t.Errorf("%d are saved, error %v", saved, err)
	}
}
