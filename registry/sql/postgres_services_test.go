//go:build services

package sql_test

import (
	"context"
	"fmt"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/mqrpc/mqrpc/internal/testserver"
	"github.com/mqrpc/mqrpc/registry"
	"github.com/mqrpc/mqrpc/registry/registrytest"
	"github.com/mqrpc/mqrpc/registry/sql"
)

// schemas numbers the schemas that this process makes.
var schemas atomic.Int64

// freshSchema makes a schema of its own for a test and returns a URL that uses
// it.
func freshSchema(t *testing.T, server string) string {
	t.Helper()
	schema := fmt.Sprintf("registry_%d_%s", schemas.Add(1), strings.ToLower(t.Name()))
	schema = strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= '0' && r <= '9' {
			return r
		}
		return '_'
	}, schema)[:min(len(schema), 60)]
	exec(t, server, "DROP SCHEMA IF EXISTS "+schema+" CASCADE")
	exec(t, server, "CREATE SCHEMA "+schema)
	t.Cleanup(func() { exec(t, server, "DROP SCHEMA IF EXISTS "+schema+" CASCADE") })
	address, err := url.Parse(server)
	if err != nil {
		t.Fatal(err)
	}
	query := address.Query()
	query.Set("search_path", schema)
	query.Set("application_name", schema)
	address.RawQuery = query.Encode()
	return address.String()
}

// exec runs a statement over a connection of its own.
func exec(t *testing.T, address, statement string) {
	t.Helper()
	ctx := context.WithoutCancel(t.Context()) // it cleans up, too
	conn, err := pgx.Connect(ctx, address)
	if err != nil {
		t.Fatalf("connect to PostgreSQL: %v", err)
	}
	defer func() { _ = conn.Close(ctx) }()
	if _, err := conn.Exec(ctx, statement); err != nil {
		t.Fatalf("%s: %v", statement, err)
	}
}

func openPostgres(t *testing.T, address string) *sql.Store {
	t.Helper()
	store, err := sql.OpenPostgres(t.Context(), sql.PostgresConfig{URL: address})
	if err != nil {
		t.Fatal(err)
	}
	return store
}

func lacks() map[registrytest.Feature]string {
	return map[registrytest.Feature]string{
		registrytest.Expire:   "PostgreSQL has no sessions that outlive connections",
		registrytest.Announce: "a store announces nothing",
	}
}

func TestPostgresContract(t *testing.T) {
	server := testserver.Shared(t, testserver.PostgreSQL)
	lacks := lacks()
	lacks[registrytest.Stop] = "the server is shared; see TestPostgresFaults"
	registrytest.Run(t, registrytest.Harness{
		New: func(t *testing.T) registrytest.Backend {
			address := freshSchema(t, server)
			parsed, err := url.Parse(address)
			if err != nil {
				t.Fatal(err)
			}
			name := parsed.Query().Get("application_name")
			return registrytest.Backend{
				Store: func(t *testing.T) registry.Store { return openPostgres(t, address) },
				Sever: func(t *testing.T) {
					exec(t, server, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = '"+name+"'")
				},
			}
		},
		Lacks: lacks,
	})
}

// TestPostgresFaults stops a server of its own.
func TestPostgresFaults(t *testing.T) {
	server := testserver.Start(t, testserver.PostgreSQL, testserver.Options{})
	lacks := lacks()
	lacks[registrytest.Sever] = "see TestPostgresContract"
	registrytest.RunFaults(t, registrytest.Harness{
		New: func(t *testing.T) registrytest.Backend {
			address := freshSchema(t, server.Address())
			return registrytest.Backend{
				Store: func(t *testing.T) registry.Store { return openPostgres(t, address) },
				Stop:  func(*testing.T) { server.Kill() },
				Start: func(*testing.T) { server.Start() },
			}
		},
		Lacks: lacks,
	})
}

// TestPostgresMigratesOnce opens a new registry from many processes at once.
func TestPostgresMigratesOnce(t *testing.T) {
	address := freshSchema(t, testserver.Shared(t, testserver.PostgreSQL))
	var group sync.WaitGroup
	for range 8 {
		group.Go(func() {
			store, err := sql.OpenPostgres(t.Context(), sql.PostgresConfig{URL: address})
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
