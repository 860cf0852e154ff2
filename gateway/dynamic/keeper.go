package dynamic

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"

	"github.com/mqrpc/mqrpc/contract"
	mqrpcv1 "github.com/mqrpc/mqrpc/proto/mqrpc/v1"
	"github.com/mqrpc/mqrpc/registry"
)

// maxPending bounds the states that wait to be written. Beyond it, bringing a
// state into effect waits for the disk.
const maxPending = 256

// keeper writes states to the snapshot, one after the other, apart from those
// who wait for calls. Of several states of an API the last counts.
type keeper struct {
	snapshot registry.Snapshot
	logger   *slog.Logger
	written  atomic.Int64
	failures atomic.Int64
	work     sync.WaitGroup

	mu      sync.Mutex
	changed *sync.Cond
	pending map[contract.Key]*mqrpcv1.Api
	closed  bool
}

func newKeeper(snapshot registry.Snapshot, logger *slog.Logger) *keeper {
	k := &keeper{snapshot: snapshot, logger: logger, pending: make(map[contract.Key]*mqrpcv1.Api)}
	k.changed = sync.NewCond(&k.mu)
	k.work.Go(k.run)
	return k
}

// put has a state written soon.
func (k *keeper) put(api *mqrpcv1.Api) {
	k.mu.Lock()
	defer k.mu.Unlock()
	for len(k.pending) >= maxPending && !k.closed {
		k.changed.Wait()
	}
	if k.closed {
		return
	}
	k.pending[contract.KeyOf(api)] = api
	k.changed.Broadcast()
}

func (k *keeper) run() {
	for {
		api := k.next()
		if api == nil {
			return
		}
		if err := k.snapshot.Put(api); err != nil {
			k.failures.Add(1)
			k.logger.Error("dynamic: an API is not in the snapshot", "api", contract.KeyOf(api).String(), "error", err)
			continue
		}
		k.written.Add(1)
	}
}

// next waits for a state to write; nil when there will be none any more.
func (k *keeper) next() *mqrpcv1.Api {
	k.mu.Lock()
	defer k.mu.Unlock()
	for len(k.pending) == 0 && !k.closed {
		k.changed.Wait()
	}
	for key, api := range k.pending {
		delete(k.pending, key)
		k.changed.Broadcast()
		return api
	}
	return nil
}

// close writes what is left, until ctx ends.
func (k *keeper) close(ctx context.Context) error {
	k.mu.Lock()
	k.closed = true
	k.changed.Broadcast()
	k.mu.Unlock()
	written := make(chan struct{})
	go func() {
		defer close(written)
		k.work.Wait()
	}()
	select {
	case <-written:
		return nil
	case <-ctx.Done():
	}
	k.mu.Lock()
	left := len(k.pending)
	clear(k.pending)
	k.mu.Unlock()
	return fmt.Errorf("dynamic: %d APIs are not in the snapshot: %w", left, context.Cause(ctx))
}
