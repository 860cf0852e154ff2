package sql_test

import (
	"path/filepath"
	"testing"

	"go.uber.org/goleak"

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
