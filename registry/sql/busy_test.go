package sql

import (
	"context"
	"database/sql"
	"path/filepath"
	"testing"
)

// impatient is a connection that does not wait for locks.
func impatient(t *testing.T, path string) *sql.Conn {
	t.Helper()
	db, err := sql.Open("sqlite", sqliteURL(path, 0, "immediate"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	connection, err := db.Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = connection.Close() })
	return connection
}

func execute(t *testing.T, connection *sql.Conn, statement string) {
	t.Helper()
	if _, err := connection.ExecContext(t.Context(), statement); err != nil {
		t.Fatalf("%s: %v", statement, err)
	}
}

func TestWhileBusy(t *testing.T) {
	path := filepath.Join(t.TempDir(), "registry.db")
	holder, other := impatient(t, path), impatient(t, path)
	execute(t, holder, "BEGIN IMMEDIATE")
	tries := 0
	err := whileBusy(func(ctx context.Context) error {
		tries++
		_, err := other.ExecContext(ctx, "BEGIN IMMEDIATE")
		if tries == 1 {
			if !busy(err) {
				t.Errorf("locked twice: %v", err)
			}
			execute(t, holder, "ROLLBACK")
		}
		return err
	})(t.Context())
	if err != nil || tries != 2 {
		t.Errorf("after %d tries: %v", tries, err)
	}
}

func TestWhileBusyEndsWithItsContext(t *testing.T) {
	path := filepath.Join(t.TempDir(), "registry.db")
	holder, other := impatient(t, path), impatient(t, path)
	execute(t, holder, "BEGIN IMMEDIATE")
	ctx, cancel := context.WithCancel(t.Context())
	err := whileBusy(func(context.Context) error {
		_, err := other.ExecContext(t.Context(), "BEGIN IMMEDIATE")
		cancel()
		return err
	})(ctx)
	if !busy(err) {
		t.Errorf("got %v, want that it is busy", err)
	}
}
