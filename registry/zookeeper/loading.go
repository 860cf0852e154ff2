package zookeeper

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strconv"
	"sync"

	"github.com/go-zookeeper/zk"

	"github.com/mqrpc/mqrpc/contract"
	mqrpcv1 "github.com/mqrpc/mqrpc/proto/mqrpc/v1"
	"github.com/mqrpc/mqrpc/registry"
	"github.com/mqrpc/mqrpc/registry/internal/record"
)

// Load implements [registry.Store].
func (r *Registry) Load(ctx context.Context, key contract.Key) (*mqrpcv1.Api, error) {
	return r.load(ctx, "load "+key.String(), key, r.paths.api(key))
}

// LoadAt implements [registry.Store].
func (r *Registry) LoadAt(ctx context.Context, key contract.Key, sequence int64) (*mqrpcv1.Api, error) {
	return r.load(ctx, fmt.Sprintf("load %s at %d", key, sequence), key, r.paths.change(key, sequence))
}

// load reads a record and its contents.
func (r *Registry) load(ctx context.Context, what string, key contract.Key, name string) (*mqrpcv1.Api, error) {
	return call(ctx, r, what, func(ctx context.Context, l *link) (*mqrpcv1.Api, error) {
		if _, err := l.conn.Sync(r.config.Root); err != nil {
			return nil, err
		}
		rec, err := readRecord(l.conn, name, key)
		if err != nil {
			return nil, err
		}
		parts := make([][]byte, rec.Content.Parts)
		for i := range parts {
			if ctx.Err() != nil {
				return nil, ctx.Err()
			}
			if parts[i], _, err = l.conn.Get(r.paths.part(key, rec.Sequence, rec.Content.ID, i)); err != nil {
				return nil, notFound(err)
			}
		}
		return rec.Join(parts)
	})
}

// readRecord reads a node's record. ErrNotFound: there is no such node.
func readRecord(conn *zk.Conn, name string, key contract.Key) (record.Record, error) {
	data, _, err := conn.Get(name)
	if err != nil {
		return record.Record{}, notFound(err)
	}
	return record.Decode(data, key)
}

func notFound(err error) error {
	if errors.Is(err, zk.ErrNoNode) {
		return registry.ErrNotFound
	}
	return err
}

// Heads implements [registry.Store].
func (r *Registry) Heads(ctx context.Context, keys []contract.Key) ([]registry.Head, error) {
	if len(keys) > registry.MaxHeads {
		return nil, fmt.Errorf("%w: heads of %d keys, more than %d", registry.ErrInvalid, len(keys), registry.MaxHeads)
	}
	keys = slices.Clone(keys)
	return call(ctx, r, fmt.Sprintf("read %d heads", len(keys)), func(ctx context.Context, l *link) ([]registry.Head, error) {
		if _, err := l.conn.Sync(r.config.Root); err != nil {
			return nil, err
		}
		changes, err := readChanges(ctx, l.conn, keys, func(key contract.Key) (string, contract.Key) {
			return r.paths.api(key), key
		}, r.tellDamaged)
		return heads(changes), err
	})
}

// tellDamaged tells of a head that cannot be read and is left out.
func (r *Registry) tellDamaged(err error) {
	r.config.Logger.Error("zookeeper: a stored API is damaged, it is left out", slog.Any("error", err))
}

func heads(changes []registry.Change) []registry.Head {
	heads := make([]registry.Head, len(changes))
	for i, change := range changes {
		heads[i] = change.Head
	}
	return heads
}

// readsAtOnce is how many nodes are read at the same time.
const readsAtOnce = 64

// readChanges reads the records that items stand for, in their order. It leaves
// out those that do not exist, and those that are damaged if it can tell of them.
func readChanges[T any](ctx context.Context, conn *zk.Conn, items []T, where func(T) (string, contract.Key), damaged func(error)) ([]registry.Change, error) {
	changes := make([]registry.Change, len(items))
	errs := make([]error, len(items))
	slots := make(chan struct{}, readsAtOnce)
	var group sync.WaitGroup
	for i, item := range items {
		if ctx.Err() != nil {
			errs[i] = ctx.Err()
			break
		}
		slots <- struct{}{}
		group.Go(func() {
			defer func() { <-slots }()
			name, key := where(item)
			rec, err := readRecord(conn, name, key)
			changes[i], errs[i] = rec.Change, err
		})
	}
	group.Wait()
	for _, err := range errs {
		switch {
		case err == nil, errors.Is(err, registry.ErrNotFound):
		case damaged != nil && errors.Is(err, registry.ErrCorrupt):
			damaged(err)
		default:
			return nil, err
		}
	}
	return slices.DeleteFunc(changes, func(c registry.Change) bool { return c.Sequence == 0 }), nil
}

// List implements [registry.Store].
func (r *Registry) List(ctx context.Context, query registry.ListQuery) ([]registry.Head, error) {
	return call(ctx, r, "list the APIs", func(ctx context.Context, l *link) ([]registry.Head, error) {
		if _, err := l.conn.Sync(r.config.Root); err != nil {
			return nil, err
		}
		modules := []string{query.Module}
		if query.Module == "" {
			var err error
			if modules, err = children(l.conn, r.paths.apis()); err != nil {
				return nil, err
			}
		}
		var found []registry.Head
		for _, module := range modules {
			if module < query.After.Module {
				continue
			}
			heads, err := r.listModule(ctx, l.conn, module, query.After)
			if err != nil {
				return nil, err
			}
			for _, head := range heads {
				if query.Deleted || !head.Deleted {
					found = append(found, head)
				}
			}
			if len(found) >= query.PageSize() {
				return found[:query.PageSize()], nil
			}
		}
		return found, nil
	})
}

// listModule reads the heads of a module's APIs that come after a key.
func (r *Registry) listModule(ctx context.Context, conn *zk.Conn, module string, after contract.Key) ([]registry.Head, error) {
	versions, err := children(conn, r.paths.module(module))
	if err != nil {
		return nil, err
	}
	versions = slices.DeleteFunc(versions, func(version string) bool {
		return contract.Key{Module: module, Version: version}.Compare(after) <= 0
	})
	changes, err := readChanges(ctx, conn, versions, func(version string) (string, contract.Key) {
		key := contract.Key{Module: module, Version: version}
		return r.paths.api(key), key
	}, r.tellDamaged)
	return heads(changes), err
}

// children are the names below a node, sorted; none if it does not exist.
func children(conn *zk.Conn, name string) ([]string, error) {
	names, _, err := conn.Children(name)
	if errors.Is(err, zk.ErrNoNode) {
		return nil, nil
	}
	slices.Sort(names)
	return names, err
}

// History implements [registry.Store].
func (r *Registry) History(ctx context.Context, query registry.HistoryQuery) ([]registry.Change, error) {
	what := "read the history of " + query.Key.String()
	return call(ctx, r, what, func(ctx context.Context, l *link) ([]registry.Change, error) {
		if _, err := l.conn.Sync(r.config.Root); err != nil {
			return nil, err
		}
		names, err := children(l.conn, r.paths.api(query.Key))
		if err != nil {
			return nil, err
		}
		if len(names) == 0 {
			return nil, registry.ErrNotFound
		}
		slices.Reverse(names)
		var sequences []int64
		for _, name := range names {
			sequence, err := strconv.ParseInt(name, 10, 64)
			if err == nil && (query.Before == 0 || sequence < query.Before) && len(sequences) < query.PageSize() {
				sequences = append(sequences, sequence)
			}
		}
		return readChanges(ctx, l.conn, sequences, func(sequence int64) (string, contract.Key) {
			return r.paths.change(query.Key, sequence), query.Key
		}, nil)
	})
}
