package sql_test

import (
	stdsql "database/sql"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/mqrpc/mqrpc/contract"
	"github.com/mqrpc/mqrpc/registry"
	"github.com/mqrpc/mqrpc/registry/registrytest"
	"github.com/mqrpc/mqrpc/registry/sql"
)

var key = contract.Key{Module: "wxapp", Version: "1.0"}

func TestOpenSQLiteAgain(t *testing.T) {
	path := filepath.Join(t.TempDir(), "registry.db")
	first := openSQLite(t, path)
	api := registrytest.API(key, 1, 1)
	if err := first.Save(t.Context(), api); err != nil {
		t.Fatal(err)
	}
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	second := openSQLite(t, path)
	defer func() { _ = second.Close() }()
	if got, err := second.Load(t.Context(), key); err != nil || got.GetRevision() != api.GetRevision() {
		t.Fatalf("after opening again: %v", err)
	}
}

func TestOpenSQLiteTogether(t *testing.T) {
	path := filepath.Join(t.TempDir(), "registry.db")
	var group sync.WaitGroup
	for range 4 {
		group.Go(func() {
			store, err := sql.OpenSQLite(t.Context(), sql.SQLiteConfig{Path: path})
			if err != nil {
				t.Error(err)
				return
			}
			if err := store.Close(); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
}

func TestNewerTables(t *testing.T) {
	path := filepath.Join(t.TempDir(), "registry.db")
	if err := openSQLite(t, path).Close(); err != nil {
		t.Fatal(err)
	}
	db, err := stdsql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := db.Exec(`INSERT INTO mqrpc_migrations (number, name) VALUES (99, 'later')`); err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := sql.OpenSQLite(t.Context(), sql.SQLiteConfig{Path: path}); err == nil || !strings.Contains(err.Error(), "newer mqrpc") {
		t.Fatalf("got error %v", err)
	}
}

func TestNotADatabase(t *testing.T) {
	path := filepath.Join(t.TempDir(), "registry.db")
	if err := os.WriteFile(path, []byte(strings.Repeat("no database ", 1000)), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := sql.OpenSQLite(t.Context(), sql.SQLiteConfig{Path: path}); !errors.Is(err, registry.ErrCorrupt) {
		t.Fatalf("got error %v, want %v", err, registry.ErrCorrupt)
	}
}

func TestImport(t *testing.T) {
	store := openSQLite(t, filepath.Join(t.TempDir(), "registry.db"))
	defer func() { _ = store.Close() }()
	if n, err := store.Import(t.Context(), apis(1001)); n != 1001 || err != nil {
		t.Fatalf("%d were imported, error %v", n, err)
	}
	if n, err := store.Import(t.Context(), apis(1001)); n != 0 || !errors.Is(err, registry.ErrConflict) {
		t.Fatalf("%d were imported again, error %v", n, err)
	}
	if _, err := store.Load(t.Context(), keyAt(1000)); err != nil {
		t.Fatal(err)
	}
}

func TestPasswordStaysSecret(t *testing.T) {
	_, err := sql.OpenPostgres(t.Context(), sql.PostgresConfig{URL: "postgres://me:hunter2@127.0.0.1:1/x?sslmode=disable"})
	if !errors.Is(err, registry.ErrUnavailable) || strings.Contains(err.Error(), "hunter2") {
		t.Fatalf("got error %v", err)
	}
	_, err = sql.OpenPostgres(t.Context(), sql.PostgresConfig{URL: "postgres://me:hunter2@127.0.0.1:port/x"})
	if err == nil || strings.Contains(err.Error(), "hunter2") {
		t.Fatalf("got error %v", err)
	}
}
