package zookeeper

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path"

	"github.com/go-zookeeper/zk"

	"github.com/mqrpc/mqrpc/contract"
	mqrpcv1 "github.com/mqrpc/mqrpc/proto/mqrpc/v1"
	"github.com/mqrpc/mqrpc/registry"
	"github.com/mqrpc/mqrpc/registry/internal/record"
)

const (
	// partSize leaves room for a request's other nodes below ZooKeeper's limit
	// of 1 MiB.
	partSize = 900 << 10

	// forgetEvery is how many changes pass between two removals of old ones.
	forgetEvery = 10
)

// Save implements [registry.Store].
func (r *Registry) Save(ctx context.Context, api *mqrpcv1.Api) error {
	rec, parts, err := record.New(api, partSize)
	if err != nil {
		return err
	}
	what := fmt.Sprintf("save %s at %d", rec.Key, rec.Sequence)
	_, err = call(ctx, r, what, func(ctx context.Context, l *link) (struct{}, error) {
		err := r.save(ctx, l.conn, rec, parts)
		if err == nil && rec.Sequence%forgetEvery == 0 {
			r.forget(l.conn, rec)
		}
		return struct{}{}, err
	})
	return err
}

func (r *Registry) save(ctx context.Context, conn *zk.Conn, rec record.Record, parts [][]byte) error {
	encoded, err := rec.Encode()
	if err != nil {
		return err
	}
	first, err := r.setOrCreate(conn, rec, encoded)
	if err != nil {
		return err
	}
	ops := []any{first, r.create(r.paths.change(rec.Key, rec.Sequence), encoded)}
	for i, part := range parts {
		name := r.paths.part(rec.Key, rec.Sequence, rec.Content.ID, i)
		if len(parts) == 1 {
			ops = append(ops, r.create(name, part))
		} else if _, err := conn.Create(name, part, zk.FlagPersistent, r.config.ACL); err != nil {
			r.discard(conn, rec)
			return err
		}
		if ctx.Err() != nil {
			r.discard(conn, rec)
			return ctx.Err()
		}
	}
	err = outcome(conn.Multi(ops...))
	if errors.Is(err, zk.ErrBadVersion) || errors.Is(err, zk.ErrNodeExists) {
		r.discard(conn, rec)
		return fmt.Errorf("%w, at the same time", registry.ErrConflict)
	}
	return err // if it is one, the save may have happened
}

// outcome is the first error of a transaction's operations that says something:
// those that others have stopped only say so.
func outcome(results []zk.MultiResponse, err error) error {
	for _, result := range results {
		for _, telling := range []error{zk.ErrBadVersion, zk.ErrNodeExists, zk.ErrNoNode, zk.ErrNoAuth} {
			if errors.Is(result.Error, telling) {
				return telling
			}
		}
	}
	return err
}

// setOrCreate checks what is stored and returns the operation that changes it,
// unless somebody else has done so by then.
func (r *Registry) setOrCreate(conn *zk.Conn, rec record.Record, encoded []byte) (any, error) {
	name := r.paths.api(rec.Key)
	if _, err := conn.Sync(r.config.Root); err != nil {
		return nil, err
	}
	data, stat, err := conn.Get(name)
	switch {
	case errors.Is(err, zk.ErrNoNode) && rec.Sequence != 1:
		return nil, fmt.Errorf("%w: the store has none", registry.ErrConflict)
	case errors.Is(err, zk.ErrNoNode):
		return r.create(name, encoded), r.makeParents(conn, rec.Key)
	case err != nil:
		return nil, err
	}
	stored, err := record.Decode(data, rec.Key)
	if err != nil {
		return nil, err
	}
	if stored.Sequence != rec.Sequence-1 {
		return nil, fmt.Errorf("%w: the store is at %d", registry.ErrConflict, stored.Sequence)
	}
	return &zk.SetDataRequest{Path: name, Data: encoded, Version: stat.Version}, nil
}

func (r *Registry) create(name string, data []byte) *zk.CreateRequest {
	return &zk.CreateRequest{Path: name, Data: data, Acl: r.config.ACL}
}

// makeParents makes the nodes that a new API's are below.
func (r *Registry) makeParents(conn *zk.Conn, key contract.Key) error {
	for _, name := range []string{r.paths.module(key.Module), r.paths.contents(key)} {
		if err := r.makeNode(conn, name); err != nil {
			return err
		}
	}
	return nil
}

// makeNode makes a node and what it is below.
func (r *Registry) makeNode(conn *zk.Conn, name string) error {
	_, err := conn.Create(name, nil, zk.FlagPersistent, r.config.ACL)
	if errors.Is(err, zk.ErrNoNode) && name != "/" {
		if err := r.makeNode(conn, path.Dir(name)); err != nil {
			return err
		}
		_, err = conn.Create(name, nil, zk.FlagPersistent, r.config.ACL)
	}
	if err != nil && !errors.Is(err, zk.ErrNodeExists) {
		return fmt.Errorf("make the node %s: %w", name, err)
	}
	return nil
}

// discard removes the parts of a save that failed. If that fails too, forget
// removes them one day.
func (r *Registry) discard(conn *zk.Conn, rec record.Record) {
	if rec.Content.Parts == 1 {
		return
	}
	for i := range rec.Content.Parts {
		_ = conn.Delete(r.paths.part(rec.Key, rec.Sequence, rec.Content.ID, i), -1)
	}
}

// forget removes changes that need not be kept any more. If that fails, the next
// one does.
func (r *Registry) forget(conn *zk.Conn, rec record.Record) {
	last := rec.Sequence - registry.KeepChanges // of those to forget
	if last < 1 {
		return
	}
	for _, parent := range []string{r.paths.api(rec.Key), r.paths.contents(rec.Key)} {
		names, _, err := conn.Children(parent)
		for _, name := range names {
			if err == nil && name < digits(last+1) {
				err = conn.Delete(parent+"/"+name, -1)
			}
			if errors.Is(err, zk.ErrNoNode) {
				err = nil // another writer was quicker
			}
		}
		if err != nil {
			r.config.Logger.Warn("zookeeper: old changes of an API could not be removed",
				slog.String("api", rec.String()), slog.Any("error", err))
		}
	}
}
