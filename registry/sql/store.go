package sql

import (
	"context"
	"database/sql"
	"fmt"
	"sync/atomic"
	"time"

	"google.golang.org/protobuf/types/descriptorpb"

	"github.com/mqrpc/mqrpc/contract"
	mqrpcv1 "github.com/mqrpc/mqrpc/proto/mqrpc/v1"
	"github.com/mqrpc/mqrpc/registry"
)

// DefaultTimeout bounds one operation of a store.
const DefaultTimeout = 5 * time.Second

// Store is a registry.Store in a database. Open it with [OpenSQLite] or
// [OpenPostgres].
type Store struct {
	dialect dialect
	timeout time.Duration
	reads   *sql.DB
	writes  *sql.DB // the same as reads, except for SQLite
	closed  atomic.Bool
}

var _ registry.Store = (*Store)(nil)

// Load implements [registry.Store].
func (s *Store) Load(ctx context.Context, key contract.Key) (*mqrpcv1.Api, error) {
	const query = `SELECT c.state, f.files FROM mqrpc_heads h
		JOIN mqrpc_changes c ON c.module = h.module AND c.version = h.version AND c.sequence = h.sequence
		JOIN mqrpc_contracts f ON f.module = c.module AND f.version = c.version AND f.revision = c.revision
		WHERE h.module = $1 AND h.version = $2`
	api, err := s.load(ctx, query, key.Module, key.Version)
	if err != nil {
		return nil, fmt.Errorf("load %s: %w", key, err)
	}
	return api, nil
}

// LoadAt implements [registry.Store].
func (s *Store) LoadAt(ctx context.Context, key contract.Key, sequence int64) (*mqrpcv1.Api, error) {
	const query = `SELECT c.state, f.files FROM mqrpc_changes c
		JOIN mqrpc_contracts f ON f.module = c.module AND f.version = c.version AND f.revision = c.revision
		WHERE c.module = $1 AND c.version = $2 AND c.sequence = $3`
	api, err := s.load(ctx, query, key.Module, key.Version, sequence)
	if err != nil {
		return nil, fmt.Errorf("load %s at %d: %w", key, sequence, err)
	}
	return api, nil
}

func (s *Store) load(ctx context.Context, query string, arguments ...any) (*mqrpcv1.Api, error) {
	var state, files []byte
	err := s.run(ctx, func(ctx context.Context) error {
		return s.reads.QueryRowContext(ctx, query, arguments...).Scan(&state, &files)
	})
	if err != nil {
		return nil, err
	}
	return decode(state, files)
}

// decode puts a state and its files together again.
func decode(state, files []byte) (*mqrpcv1.Api, error) {
	api, err := registry.Decode(state)
	if err != nil {
		return nil, err
	}
	plain, err := registry.Decompress(files)
	if err != nil {
		return nil, err
	}
	api.Files = &descriptorpb.FileDescriptorSet{}
	if err := contract.Unmarshal(plain, api.GetFiles()); err != nil {
		return nil, fmt.Errorf("%w: %w", registry.ErrCorrupt, err)
	}
	return api, nil
}

// Heads implements [registry.Store].
func (s *Store) Heads(ctx context.Context, keys []contract.Key) ([]registry.Head, error) {
	if len(keys) > registry.MaxHeads {
		return nil, fmt.Errorf("heads: %w: %d keys, more than %d", registry.ErrInvalid, len(keys), registry.MaxHeads)
	}
	parameter, err := keysParameter(keys)
	if err != nil {
		return nil, fmt.Errorf("heads: %w: %w", registry.ErrInvalid, err)
	}
	heads, err := s.heads(ctx, s.dialect.headsOf, parameter)
	if err != nil {
		return nil, fmt.Errorf("heads: %w", err)
	}
	return heads, nil
}

// List implements [registry.Store].
func (s *Store) List(ctx context.Context, query registry.ListQuery) ([]registry.Head, error) {
	statement, arguments := listQuery(query)
	heads, err := s.heads(ctx, statement, arguments...)
	if err != nil {
		return nil, fmt.Errorf("list: %w", err)
	}
	return heads, nil
}

func (s *Store) heads(ctx context.Context, query string, arguments ...any) ([]registry.Head, error) {
	var heads []registry.Head
	err := s.run(ctx, func(ctx context.Context) error {
		rows, err := s.reads.QueryContext(ctx, query, arguments...)
		if err != nil {
			return err
		}
		defer func() { _ = rows.Close() }()
		for rows.Next() {
			var head registry.Head
			err := rows.Scan(&head.Module, &head.Version, &head.Sequence, &head.Revision, &head.Digest, &head.Deleted)
			if err != nil {
				return err
			}
			heads = append(heads, head)
		}
		return rows.Err()
	})
	return heads, err
}

// History implements [registry.Store].
func (s *Store) History(ctx context.Context, query registry.HistoryQuery) ([]registry.Change, error) {
	const statement = `SELECT state FROM mqrpc_changes
		WHERE module = $1 AND version = $2 AND ($3 = 0 OR sequence < $3)
		ORDER BY sequence DESC LIMIT $4`
	changes, err := s.history(ctx, statement, query.Key.Module, query.Key.Version, query.Before, query.PageSize())
	if err == nil && len(changes) == 0 {
		_, err = s.Load(ctx, query.Key) // an empty page, or no such API
	}
	if err != nil {
		return nil, fmt.Errorf("history of %s: %w", query.Key, err)
	}
	return changes, nil
}

func (s *Store) history(ctx context.Context, statement string, arguments ...any) ([]registry.Change, error) {
	var changes []registry.Change
	err := s.run(ctx, func(ctx context.Context) error {
		rows, err := s.reads.QueryContext(ctx, statement, arguments...)
		if err != nil {
			return err
		}
		defer func() { _ = rows.Close() }()
		for rows.Next() {
			var state []byte
			if err := rows.Scan(&state); err != nil {
				return err
			}
			api, err := registry.Decode(state)
			if err != nil {
				return err
			}
			changes = append(changes, registry.ChangeOf(api))
		}
		return rows.Err()
	})
	return changes, err
}

// run bounds an operation and gives its error the registry's meaning.
func (s *Store) run(ctx context.Context, operation func(context.Context) error) error {
	if s.closed.Load() {
		return registry.ErrClosed
	}
	bounded, cancel := context.WithTimeout(ctx, s.timeout)
	defer cancel()
	err := operation(bounded)
	if err != nil && ctx.Err() == nil && bounded.Err() != nil {
		err = fmt.Errorf("no answer in %s: %w", s.timeout, err)
	}
	return s.classify(ctx, err)
}

// Close implements [registry.Store].
func (s *Store) Close() error {
	if s.closed.Swap(true) {
		return nil
	}
	err := s.reads.Close()
	if s.writes != s.reads {
		if closing := s.writes.Close(); err == nil {
			err = closing
		}
	}
	if err != nil {
		return fmt.Errorf("close the %s store: %w", s.dialect.name, err)
	}
	return nil
}
