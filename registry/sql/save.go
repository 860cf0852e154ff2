package sql

import (
	"context"
	"database/sql"
	"fmt"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	mqrpcv1 "github.com/mqrpc/mqrpc/proto/mqrpc/v1"
	"github.com/mqrpc/mqrpc/registry"
)

// Save implements [registry.Store].
func (s *Store) Save(ctx context.Context, api *mqrpcv1.Api) error {
	if s.closed.Load() {
		return registry.ErrClosed
	}
	if err := registry.Validate(api); err != nil {
		return err
	}
	row, err := rowOf(api)
	if err != nil {
		return err
	}
	err = s.run(ctx, func(ctx context.Context) error {
		err := s.dialect.transaction(ctx, s.writes, func(tx *sql.Tx) error { return row.save(ctx, tx) })
		if conflict(err) {
			return fmt.Errorf("%w: %w", registry.ErrConflict, err)
		}
		return err
	})
	if err != nil {
		return fmt.Errorf("save %s at %d: %w", row.Key, row.Sequence, err)
	}
	return nil
}

// row is a state as the tables keep it.
type row struct {
	registry.Head

	state, files []byte
}

func rowOf(api *mqrpcv1.Api) (row, error) {
	files, err := proto.MarshalOptions{Deterministic: true}.Marshal(api.GetFiles())
	if err != nil {
		return row{}, fmt.Errorf("%w: %w", registry.ErrInvalid, err)
	}
	state, err := registry.Encode(withoutFiles(api))
	if err != nil {
		return row{}, err
	}
	return row{Head: registry.HeadOf(api), state: state, files: registry.Compress(files)}, nil
}

// withoutFiles is everything else of a state. It shares its parts.
func withoutFiles(api *mqrpcv1.Api) *mqrpcv1.Api {
	without := &mqrpcv1.Api{}
	files := api.ProtoReflect().Descriptor().Fields().ByName("files")
	api.ProtoReflect().Range(func(field protoreflect.FieldDescriptor, value protoreflect.Value) bool {
		if field != files {
			without.ProtoReflect().Set(field, value)
		}
		return true
	})
	without.ProtoReflect().SetUnknown(api.ProtoReflect().GetUnknown())
	return without
}

// save moves the head first: that decides between writers, and makes the later
// one wait until the earlier one is done.
func (r row) save(ctx context.Context, tx *sql.Tx) error {
	moved, err := r.moveHead(ctx, tx)
	if err != nil {
		return err
	}
	if !moved {
		return registry.ErrConflict
	}
	const addContract = `INSERT INTO mqrpc_contracts (module, version, revision, files) VALUES ($1, $2, $3, $4)
		ON CONFLICT (module, version, revision) DO UPDATE SET files = excluded.files`
	if _, err := tx.ExecContext(ctx, addContract, r.Module, r.Version, r.Revision, r.files); err != nil {
		return fmt.Errorf("add the contract: %w", err)
	}
	const addChange = `INSERT INTO mqrpc_changes (module, version, sequence, revision, digest, deleted, state)
		VALUES ($1, $2, $3, $4, $5, $6, $7)`
	if _, err := tx.ExecContext(ctx, addChange,
		r.Module, r.Version, r.Sequence, r.Revision, r.Digest, r.Deleted, r.state); err != nil {
		return fmt.Errorf("add the change: %w", err)
	}
	return r.prune(ctx, tx)
}

// moveHead moves the head from the sequence before to this one, and reports
// whether it was there.
func (r row) moveHead(ctx context.Context, tx *sql.Tx) (bool, error) {
	statement := `UPDATE mqrpc_heads SET sequence = $3, revision = $4, digest = $5, deleted = $6
		WHERE module = $1 AND version = $2 AND sequence = $3 - 1`
	if r.Sequence == 1 {
		statement = `INSERT INTO mqrpc_heads (module, version, sequence, revision, digest, deleted)
			VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (module, version) DO NOTHING`
	}
	result, err := tx.ExecContext(ctx, statement, r.Module, r.Version, r.Sequence, r.Revision, r.Digest, r.Deleted)
	if err != nil {
		return false, fmt.Errorf("move the head: %w", err)
	}
	moved, err := result.RowsAffected()
	return moved == 1, err
}

// prune drops changes that need not be kept, and contracts that none names.
func (r row) prune(ctx context.Context, tx *sql.Tx) error {
	if r.Sequence <= registry.KeepChanges {
		return nil
	}
	const dropChanges = `DELETE FROM mqrpc_changes WHERE module = $1 AND version = $2 AND sequence <= $3`
	if _, err := tx.ExecContext(ctx, dropChanges, r.Module, r.Version, r.Sequence-registry.KeepChanges); err != nil {
		return fmt.Errorf("drop old changes: %w", err)
	}
	const dropContracts = `DELETE FROM mqrpc_contracts WHERE module = $1 AND version = $2 AND revision NOT IN
		(SELECT revision FROM mqrpc_changes WHERE module = $1 AND version = $2)`
	if _, err := tx.ExecContext(ctx, dropContracts, r.Module, r.Version); err != nil {
		return fmt.Errorf("drop old contracts: %w", err)
	}
	return nil
}
