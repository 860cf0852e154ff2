package sql

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5/pgconn"
	sqlitedriver "modernc.org/sqlite"
	sqlitecodes "modernc.org/sqlite/lib"

	"github.com/mqrpc/mqrpc/registry"
)

// classify gives a database's error the registry's meaning. ctx is the caller's.
func (s *Store) classify(ctx context.Context, err error) error {
	switch {
	case err == nil:
		return nil
	case s.closed.Load():
		return fmt.Errorf("%w: %w", registry.ErrClosed, err)
	case ctx.Err() != nil:
		return fmt.Errorf("%w: %w: %w", registry.ErrUnavailable, ctx.Err(), err)
	case registry.Classified(err):
		return err
	}
	if errors.Is(err, sql.ErrNoRows) {
		return fmt.Errorf("%w: %w", registry.ErrNotFound, err)
	}
	if damaged(err) {
		return fmt.Errorf("%w: %w", registry.ErrCorrupt, err)
	}
	// A database that is away, full, locked for too long, or has refused: all of
	// that may pass, and none of it says anything about the API.
	return fmt.Errorf("%w: %w", registry.ErrUnavailable, err)
}

// conflict reports whether another writer was first.
func conflict(err error) bool {
	if pg, is := errors.AsType[*pgconn.PgError](err); is {
		switch pg.Code {
		case "23505", "40001", "40P01": // unique_violation, serialization_failure, deadlock_detected
			return true
		}
		return false
	}
	return sqliteCode(err) == sqlitecodes.SQLITE_CONSTRAINT
}

// busy reports whether somebody else has SQLite's file locked.
func busy(err error) bool { return sqliteCode(err) == sqlitecodes.SQLITE_BUSY }

// damaged reports whether the database's file is.
func damaged(err error) bool {
	code := sqliteCode(err)
	return code == sqlitecodes.SQLITE_CORRUPT || code == sqlitecodes.SQLITE_NOTADB
}

// sqliteCode is what SQLite says went wrong, without the details; SQLITE_OK for
// errors of others.
func sqliteCode(err error) int {
	if lite, is := errors.AsType[*sqlitedriver.Error](err); is {
		return lite.Code() & 0xff
	}
	return sqlitecodes.SQLITE_OK
}
