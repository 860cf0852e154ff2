package sql

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"time"
)

// SQLiteConfig says where a SQLite registry is.
type SQLiteConfig struct {
	// Path is the database's file, which is made with its directory if it does
	// not exist. SQLite keeps two more beside it, with "-wal" and "-shm" at
	// their ends. Required. It must be on a local disk.
	Path string
	// Timeout bounds one operation, waiting for other writers included.
	// Default [DefaultTimeout].
	Timeout time.Duration
}

// sqliteReaders is the number of connections that read at the same time.
const sqliteReaders = 4

// OpenSQLite opens a registry in a SQLite file. Several processes of one
// machine may have it open. Readers do not wait for writers, and a change is on
// the disk when Save returns.
func OpenSQLite(ctx context.Context, config SQLiteConfig) (*Store, error) {
	if config.Path == "" {
		return nil, errors.New("open the SQLite registry: the path is missing")
	}
	timeout := cmp.Or(config.Timeout, DefaultTimeout)
	path, err := filepath.Abs(config.Path)
	if err != nil {
		return nil, fmt.Errorf("open the SQLite registry: %w", err)
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o750); err != nil {
		return nil, fmt.Errorf("open the SQLite registry: %w", err)
	}
	// SQLite has one writer at a time. With one connection for it, writers of
	// this process queue here, without polling the file's lock; and beginning
	// with the lock taken, "immediate", spares them the deadlock of two
	// transactions that read first and want to write second.
	writes, err := sql.Open("sqlite", sqliteURL(path, timeout, "immediate"))
	if err != nil {
		return nil, fmt.Errorf("open the SQLite registry: %w", err)
	}
	writes.SetMaxOpenConns(1)
	reads, err := sql.Open("sqlite", sqliteURL(path, timeout, "deferred"))
	if err != nil {
		return nil, errors.Join(fmt.Errorf("open the SQLite registry: %w", err), writes.Close())
	}
	reads.SetMaxOpenConns(sqliteReaders)
	reads.SetMaxIdleConns(sqliteReaders)

	store := &Store{dialect: sqlite, timeout: timeout, reads: reads, writes: writes}
	return store.ready(ctx, "open the SQLite registry "+path)
}

// sqliteURL is the driver's name for the file, with what is set on every
// connection.
func sqliteURL(path string, busy time.Duration, lock string) string {
	query := url.Values{"_txlock": {lock}, "_pragma": {
		fmt.Sprintf("busy_timeout(%d)", busy.Milliseconds()),
		"journal_mode(WAL)",
		"synchronous(FULL)",
		"foreign_keys(ON)",
		"cache_size(-4096)", // KiB
	}}
	return (&url.URL{Scheme: "file", Opaque: (&url.URL{Path: path}).EscapedPath(), RawQuery: query.Encode()}).String()
}

// ready migrates a store that was just opened, and closes it if that fails.
func (s *Store) ready(ctx context.Context, what string) (*Store, error) {
	if err := s.run(ctx, whileBusy(s.migrate)); err != nil {
		return nil, errors.Join(fmt.Errorf("%s: %w", what, err), s.Close())
	}
	return s, nil
}

// busyPause is the time between two tries to open a file that is busy.
const busyPause = 5 * time.Millisecond

// whileBusy has an operation tried again, until ctx ends, while others have
// SQLite's file locked. SQLite waits for most locks by itself, but not for those
// of processes that turn a new file's write-ahead log on, or remove it as the
// last to close, at the same moment.
func whileBusy(operation func(context.Context) error) func(context.Context) error {
	return func(ctx context.Context) error {
		for {
			err := operation(ctx)
			if !busy(err) {
				return err
			}
			select {
			case <-ctx.Done():
				return err
			case <-time.After(busyPause):
			}
		}
	}
}
