package sql

import (
	"context"
	"database/sql"
	"fmt"
	"iter"

	mqrpcv1 "github.com/mqrpc/mqrpc/proto/mqrpc/v1"
	"github.com/mqrpc/mqrpc/registry"
)

// importBatch is the number of APIs that are saved in one transaction, and
// importBytes the size from which one is saved: it has one operation's time.
const (
	importBatch = 500
	importBytes = 8 << 20
)

// Import saves many APIs, each as Save does, in far fewer transactions: to fill
// a registry from a backup or from another one. It announces nothing. It returns
// how many were saved; when it fails, those in transactions before were.
func (s *Store) Import(ctx context.Context, apis iter.Seq[*mqrpcv1.Api]) (int, error) {
	saved, bytes := 0, 0
	batch := make([]row, 0, importBatch)
	flush := func() error {
		err := s.run(ctx, func(ctx context.Context) error { return s.saveAll(ctx, batch) })
		if err == nil {
			saved += len(batch)
			batch, bytes = batch[:0], 0
		}
		return err
	}
	for api := range apis {
		if err := registry.Validate(api); err != nil {
			return saved, err
		}
		row, err := rowOf(api)
		if err != nil {
			return saved, err
		}
		batch, bytes = append(batch, row), bytes+len(row.state)+len(row.files)
		if len(batch) < importBatch && bytes < importBytes {
			continue
		}
		if err := flush(); err != nil {
			return saved, fmt.Errorf("import: %w", err)
		}
	}
	if err := flush(); err != nil {
		return saved, fmt.Errorf("import: %w", err)
	}
	return saved, nil
}

func (s *Store) saveAll(ctx context.Context, rows []row) error {
	err := s.dialect.transaction(ctx, s.writes, func(tx *sql.Tx) error {
		for _, row := range rows {
			if err := row.save(ctx, tx); err != nil {
				return fmt.Errorf("%s at %d: %w", row.Key, row.Sequence, err)
			}
		}
		return nil
	})
	if conflict(err) {
		return fmt.Errorf("%w: %w", registry.ErrConflict, err)
	}
	return err
}
