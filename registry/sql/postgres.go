package sql

import (
	"cmp"
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
)

// PostgresConfig says where a PostgreSQL registry is.
type PostgresConfig struct {
	// URL names the database: "postgres://user:password@host/database", or any
	// connection string that libpq takes. Required.
	URL string
	// Timeout bounds one operation, connecting included. Default
	// [DefaultTimeout].
	Timeout time.Duration
	// MaxConns bounds the connections of this process. Default 4: one gateway
	// asks little.
	MaxConns int
}

// The times after which idle connections are given back, and any are made anew,
// so that a database that has moved is found.
const (
	postgresIdleTime = 5 * time.Minute
	postgresLifetime = time.Hour
)

// OpenPostgres opens a registry in a PostgreSQL database, of version 12 or
// later. Connections that are lost are made again when they are needed. Reads
// must see what was saved, so the URL must name the primary, not a standby.
func OpenPostgres(ctx context.Context, config PostgresConfig) (*Store, error) {
	timeout := cmp.Or(config.Timeout, DefaultTimeout)
	parsed, err := pgx.ParseConfig(config.URL)
	if err != nil {
		return nil, fmt.Errorf("open the PostgreSQL registry: %w", err) // pgx takes the password out
	}
	parsed.ConnectTimeout = timeout
	if _, set := parsed.RuntimeParams["application_name"]; !set {
		parsed.RuntimeParams["application_name"] = "mqrpc"
	}
	// The server gives up, too: a query whose client is gone must not go on.
	if _, set := parsed.RuntimeParams["statement_timeout"]; !set {
		parsed.RuntimeParams["statement_timeout"] = fmt.Sprint(timeout.Milliseconds())
	}
	db := stdlib.OpenDB(*parsed)
	db.SetMaxOpenConns(cmp.Or(config.MaxConns, 4))
	db.SetMaxIdleConns(cmp.Or(config.MaxConns, 4))
	db.SetConnMaxIdleTime(postgresIdleTime)
	db.SetConnMaxLifetime(postgresLifetime)

	store := &Store{dialect: postgres, timeout: timeout, reads: db, writes: db}
	return store.ready(ctx, fmt.Sprintf("open the PostgreSQL registry at %s:%d/%s", parsed.Host, parsed.Port, parsed.Database))
}
