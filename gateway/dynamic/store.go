package dynamic

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/mqrpc/mqrpc/contract"
	mqrpcv1 "github.com/mqrpc/mqrpc/proto/mqrpc/v1"
	"github.com/mqrpc/mqrpc/registry"
)

// downPatience is how long a lookup waits for a store that did not answer the
// last time.
const downPatience = 250 * time.Millisecond

// store is the registry's store as the follower sees it. It notes whether the
// store answers, and tells deleted APIs from those that never were.
type store struct {
	registry.Store

	queries atomic.Int64

	mu    sync.Mutex
	err   error
	since time.Time
}

func newStore(of registry.Store) *store { return &store{Store: of} }

// Load implements [registry.Store]. A tombstone is errDeleted.
func (s *store) Load(ctx context.Context, key contract.Key) (*mqrpcv1.Api, error) {
	s.queries.Add(1)
	api, err := s.Store.Load(ctx, key)
	s.asked(err)
	if err == nil && api.GetDeleted() {
		return nil, fmt.Errorf("%s: %w: %w", key, errDeleted, registry.ErrNotFound)
	}
	return api, err
}

// Heads implements [registry.Store].
func (s *store) Heads(ctx context.Context, keys []contract.Key) ([]registry.Head, error) {
	s.queries.Add(1)
	heads, err := s.Store.Heads(ctx, keys)
	s.asked(err)
	return heads, err
}

// asked notes whether the store has answered.
func (s *store) asked(err error) {
	if err != nil && !errors.Is(err, registry.ErrUnavailable) && !errors.Is(err, context.DeadlineExceeded) {
		err = nil // whatever it said, it said something
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.since.IsZero() || (err == nil) != (s.err == nil) {
		s.since = time.Now()
	}
	s.err = err
}

// health is why the store did not answer the last time, nil if it did, and since
// when that is so.
func (s *store) health() (err error, since time.Time) { //nolint:revive,staticcheck // the error is what is asked for, not how asking went
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.err, s.since
}

// patience is how long a lookup waits for the store.
func (s *store) patience(step time.Duration) time.Duration {
	if err, _ := s.health(); err != nil {
		return min(step, downPatience)
	}
	return step
}
