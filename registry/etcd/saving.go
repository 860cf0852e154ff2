package etcd

import (
	"context"
	"fmt"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/mqrpc/mqrpc/contract"
	mqrpcv1 "github.com/mqrpc/mqrpc/proto/mqrpc/v1"
	"github.com/mqrpc/mqrpc/registry"
	"github.com/mqrpc/mqrpc/registry/internal/record"
)

const (
	// partSize leaves room for a transaction's other keys below etcd's limit
	// of 1.5 MiB.
	partSize = 1 << 20

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
	return r.call(ctx, what, func(ctx context.Context, client *clientv3.Client) error {
		err := r.save(ctx, client, rec, parts)
		if err == nil && rec.Sequence%forgetEvery == 0 {
			r.forget(ctx, client, rec)
		}
		return err
	})
}

func (r *Registry) save(ctx context.Context, client *clientv3.Client, rec record.Record, parts [][]byte) error {
	stored, revision, err := r.stored(ctx, client, rec.Key)
	if err != nil {
		return err
	}
	if stored.Sequence != rec.Sequence-1 {
		return fmt.Errorf("%w: the store is at %d", registry.ErrConflict, stored.Sequence)
	}
	encoded, err := rec.Encode()
	if err != nil {
		return err
	}
	puts := []clientv3.Op{
		clientv3.OpPut(r.keys.head(rec.Key), string(encoded)),
		clientv3.OpPut(r.keys.change(rec.Key, rec.Sequence), string(encoded)),
	}
	for i, part := range parts {
		put := clientv3.OpPut(r.keys.part(rec.Key, rec.Sequence, rec.Content.ID, i), string(part))
		if len(parts) == 1 {
			puts = append(puts, put)
		} else if _, err := client.Do(ctx, put); err != nil {
			r.discard(ctx, client, rec)
			return err
		}
	}
	unchanged := clientv3.Compare(clientv3.ModRevision(r.keys.head(rec.Key)), "=", revision)
	response, err := client.Txn(ctx).If(unchanged).Then(puts...).Commit()
	if err != nil {
		return err // it may have happened
	}
	if !response.Succeeded {
		r.discard(ctx, client, rec)
		return fmt.Errorf("%w, at the same time", registry.ErrConflict)
	}
	return nil
}

// stored is the current record and the revision at which it was saved; zero for
// an API that is new.
func (r *Registry) stored(ctx context.Context, client *clientv3.Client, key contract.Key) (record.Record, int64, error) {
	response, err := client.Get(ctx, r.keys.head(key))
	if err != nil || len(response.Kvs) == 0 {
		return record.Record{}, 0, err
	}
	rec, err := record.Decode(response.Kvs[0].GetValue(), key)
	return rec, response.Kvs[0].GetModRevision(), err
}

// discardTimeout bounds the removal of parts that nothing refers to.
const discardTimeout = time.Second

// discard removes the parts of a save that failed. If that fails too, forget
// removes them one day.
func (r *Registry) discard(ctx context.Context, client *clientv3.Client, rec record.Record) {
	if rec.Content.Parts == 1 {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), discardTimeout)
	defer cancel()
	_, _ = client.Delete(ctx, r.keys.contents(rec.Key, rec.Sequence, rec.Content.ID), clientv3.WithPrefix())
}

// forget removes changes that need not be kept any more. If that fails, the next
// one does.
func (r *Registry) forget(ctx context.Context, client *clientv3.Client, rec record.Record) {
	last := rec.Sequence - registry.KeepChanges // of those to forget
	if last < 1 {
		return
	}
	_, err := client.Txn(ctx).Then(
		clientv3.OpDelete(r.keys.changes(rec.Key), clientv3.WithRange(r.keys.change(rec.Key, last+1))),
		clientv3.OpDelete(r.keys.allContents(rec.Key), clientv3.WithRange(r.keys.allContents(rec.Key)+digits(last+1))),
	).Commit()
	if err != nil {
		r.config.Logger.Warn("etcd: old changes of an API could not be removed",
			"api", rec.String(), "error", err)
	}
}
