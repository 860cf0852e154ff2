package catalog

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

// keeper writes states to the snapshot, one after the other, apart from those
// who wait for calls: a disk that hangs holds nothing else up. Of several states
// of an API the last counts.
type keeper struct {
	snapshot registry.Snapshot
	logger   *slog.Logger
	written  atomic.Int64
	failures atomic.Int64
	wake     chan struct{}
	done     chan struct{} // closed when it writes no more

	mu      sync.Mutex
	closed  bool
	pending map[contract.Key]*mqrpcv1.Api
}

func newKeeper(snapshot registry.Snapshot, logger *slog.Logger) *keeper {
	k := &keeper{
		snapshot: snapshot, logger: logger,
		wake: make(chan struct{}, 1), done: make(chan struct{}), pending: make(map[contract.Key]*mqrpcv1.Api),
	}
	go k.run()
	return k
}

// put has a state written soon.
func (k *keeper) put(api *mqrpcv1.Api) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if !k.closed {
		k.pending[contract.KeyOf(api)] = api
		signal(k.wake)
	}
}

// run writes until there will be nothing more to write.
func (k *keeper) run() {
	defer close(k.done)
	for {
		<-k.wake
		api, closed := k.next()
		for ; api != nil; api, closed = k.next() {
			k.write(api)
		}
		if closed {
			return
		}
	}
}

// next returns a state to write, nil if there is none now, and whether there will
// be none any more.
func (k *keeper) next() (api *mqrpcv1.Api, closed bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	for key, api := range k.pending {
		delete(k.pending, key)
		return api, false
	}
	return nil, k.closed
}

func (k *keeper) write(api *mqrpcv1.Api) {
	if err := k.snapshot.Put(api); err != nil {
		k.failures.Add(1)
		k.logger.Error("catalog: an API is not in the snapshot", "api", contract.KeyOf(api).String(), "error", err)
		return
	}
	k.written.Add(1)
}

// close writes what is left, until ctx ends.
func (k *keeper) close(ctx context.Context) error {
	k.mu.Lock()
	k.closed = true
	k.mu.Unlock()
	signal(k.wake)
	select {
	case <-k.done:
		return nil
	case <-ctx.Done():
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	left := len(k.pending)
	clear(k.pending)
	return fmt.Errorf("catalog: %d APIs are not in the snapshot: %w", left, context.Cause(ctx))
}
