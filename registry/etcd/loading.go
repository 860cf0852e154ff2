package etcd

import (
	"context"
	"fmt"
	"log/slog"
	"slices"

	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/mqrpc/mqrpc/contract"
	mqrpcv1 "github.com/mqrpc/mqrpc/proto/mqrpc/v1"
	"github.com/mqrpc/mqrpc/registry"
	"github.com/mqrpc/mqrpc/registry/internal/record"
)

// Load implements [registry.Store].
func (r *Registry) Load(ctx context.Context, key contract.Key) (*mqrpcv1.Api, error) {
	return r.load(ctx, "load "+key.String(), key, r.keys.head(key))
}

// LoadAt implements [registry.Store].
func (r *Registry) LoadAt(ctx context.Context, key contract.Key, sequence int64) (*mqrpcv1.Api, error) {
	return r.load(ctx, fmt.Sprintf("load %s at %d", key, sequence), key, r.keys.change(key, sequence))
}

// load reads a record and its contents.
func (r *Registry) load(ctx context.Context, what string, key contract.Key, name string) (*mqrpcv1.Api, error) {
	var api *mqrpcv1.Api
	err := r.call(ctx, what, func(ctx context.Context, client *clientv3.Client) error {
		response, err := client.Get(ctx, name)
		if err != nil {
			return err
		}
		if len(response.Kvs) == 0 {
			return registry.ErrNotFound
		}
		rec, err := record.Decode(response.Kvs[0].GetValue(), key)
		if err != nil {
			return err
		}
		// As of the same revision: no later save can have removed them.
		contents := r.keys.contents(key, rec.Sequence, rec.Content.ID)
		found, err := client.Get(ctx, contents, clientv3.WithPrefix(), clientv3.WithRev(response.Header.GetRevision()))
		if err != nil {
			return err
		}
		parts := make([][]byte, len(found.Kvs))
		for i, kv := range found.Kvs {
			parts[i] = kv.GetValue()
		}
		api, err = rec.Join(parts)
		return err
	})
	if err != nil {
		return nil, err
	}
	return api, nil
}

// headsPerQuery stays below etcd's limit of 128 operations in a transaction.
const headsPerQuery = 100

// Heads implements [registry.Store].
func (r *Registry) Heads(ctx context.Context, keys []contract.Key) ([]registry.Head, error) {
	if len(keys) > registry.MaxHeads {
		return nil, fmt.Errorf("%w: heads of %d keys, more than %d", registry.ErrInvalid, len(keys), registry.MaxHeads)
	}
	var heads []registry.Head
	err := r.call(ctx, fmt.Sprintf("read %d heads", len(keys)), func(ctx context.Context, client *clientv3.Client) error {
		for chunk := range slices.Chunk(keys, headsPerQuery) {
			gets := make([]clientv3.Op, len(chunk))
			for i, key := range chunk {
				gets[i] = clientv3.OpGet(r.keys.head(key))
			}
			response, err := client.Txn(ctx).Then(gets...).Commit()
			if err != nil {
				return err
			}
			for i, answer := range response.Responses {
				for _, kv := range answer.GetResponseRange().GetKvs() {
					if rec, err := record.Decode(kv.GetValue(), chunk[i]); err == nil {
						heads = append(heads, rec.Head)
					} else {
						r.tellDamaged(err)
					}
				}
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return heads, nil
}

// tellDamaged tells of a head that cannot be read and is left out.
func (r *Registry) tellDamaged(err error) {
	r.config.Logger.Error("etcd: a stored API is damaged, it is left out", slog.Any("error", err))
}

// List implements [registry.Store].
func (r *Registry) List(ctx context.Context, query registry.ListQuery) ([]registry.Head, error) {
	prefix := r.keys.heads()
	if query.Module != "" {
		prefix = r.keys.headsOf(query.Module)
	}
	from, end := prefix, clientv3.GetPrefixRangeEnd(prefix)
	if !query.After.IsZero() {
		from = max(from, r.keys.head(query.After)+"\x00")
	}
	var heads []registry.Head
	err := r.call(ctx, "list the APIs", func(ctx context.Context, client *clientv3.Client) error {
		for from < end {
			response, err := client.Get(ctx, from, clientv3.WithRange(end), clientv3.WithLimit(registry.MaxPage))
			if err != nil {
				return err
			}
			for _, kv := range response.Kvs {
				from = string(kv.GetKey()) + "\x00"
				key, err := r.keys.ofHead(string(kv.GetKey()))
				var rec record.Record
				if err == nil {
					rec, err = record.Decode(kv.GetValue(), key)
				}
				if err != nil {
					r.tellDamaged(err)
					continue
				}
				if query.Deleted || !rec.Deleted {
					heads = append(heads, rec.Head)
				}
				if len(heads) == query.PageSize() {
					return nil
				}
			}
			if !response.More {
				return nil
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return heads, nil
}

// History implements [registry.Store].
func (r *Registry) History(ctx context.Context, query registry.HistoryQuery) ([]registry.Change, error) {
	from, end := r.keys.changes(query.Key), clientv3.GetPrefixRangeEnd(r.keys.changes(query.Key))
	if query.Before > 0 {
		end = r.keys.change(query.Key, query.Before)
	}
	var changes []registry.Change
	err := r.call(ctx, "read the history of "+query.Key.String(), func(ctx context.Context, client *clientv3.Client) error {
		response, err := client.Get(ctx, from, clientv3.WithRange(end), clientv3.WithLimit(int64(query.PageSize())),
			clientv3.WithSort(clientv3.SortByKey, clientv3.SortDescend))
		if err != nil {
			return err
		}
		for _, kv := range response.Kvs {
			rec, err := record.Decode(kv.GetValue(), query.Key)
			if err != nil {
				return err
			}
			changes = append(changes, rec.Change)
		}
		if len(changes) > 0 {
			return nil
		}
		if _, revision, err := r.stored(ctx, client, query.Key); err != nil || revision > 0 {
			return err
		}
		return registry.ErrNotFound
	})
	if err != nil {
		return nil, err
	}
	return changes, nil
}
