package memory

import (
	"context"
	"fmt"
	"slices"
	"sync"

	"google.golang.org/protobuf/proto"

	"github.com/mqrpc/mqrpc/contract"
	mqrpcv1 "github.com/mqrpc/mqrpc/proto/mqrpc/v1"
	"github.com/mqrpc/mqrpc/registry"
)

// Registry is one connection to a registry in memory. Make the first with [New]
// and further ones with [Registry.Connect].
//
// It is safe for concurrent use.
type Registry struct {
	*shared

	closed bool // under shared's mutex
}

// shared is what all connections to a registry share.
type shared struct {
	mu      sync.Mutex
	fault   error
	apis    map[contract.Key][]*mqrpcv1.Api // the changes, oldest first
	watches map[*watch]bool
}

var (
	_ registry.Store    = (*Registry)(nil)
	_ registry.Notifier = (*Registry)(nil)
)

// New makes an empty registry.
func New() *Registry {
	return &Registry{shared: &shared{
		apis:    make(map[contract.Key][]*mqrpcv1.Api),
		watches: make(map[*watch]bool),
	}}
}

// Connect makes one more connection to the same registry, to be closed by
// itself.
func (r *Registry) Connect() *Registry { return &Registry{shared: r.shared} }

// Fail makes every operation fail with ErrUnavailable because of err, and cuts
// all watches off, for all connections, until it is called with nil: a registry
// that is down.
func (r *Registry) Fail(err error) {
	r.mu.Lock()
	healed := r.fault != nil && err == nil
	r.fault = err
	watches := r.watching()
	r.mu.Unlock()
	if !healed {
		return
	}
	for _, w := range watches {
		w.send(registry.Event{}) // what was announced meanwhile is lost
	}
}

// check returns why nothing can be done now. The mutex is held.
func (r *Registry) check(ctx context.Context) error {
	switch {
	case r.closed:
		return registry.ErrClosed
	case ctx.Err() != nil:
		return fmt.Errorf("%w: %w", registry.ErrUnavailable, context.Cause(ctx))
	case r.fault != nil:
		return fmt.Errorf("%w: %w", registry.ErrUnavailable, r.fault)
	}
	return nil
}

// Load implements [registry.Store].
func (r *Registry) Load(ctx context.Context, key contract.Key) (*mqrpcv1.Api, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if err := r.check(ctx); err != nil {
		return nil, err
	}
	changes := r.apis[key]
	if len(changes) == 0 {
		return nil, fmt.Errorf("%s: %w", key, registry.ErrNotFound)
	}
	return proto.CloneOf(changes[len(changes)-1]), nil
}

// LoadAt implements [registry.Store].
func (r *Registry) LoadAt(ctx context.Context, key contract.Key, sequence int64) (*mqrpcv1.Api, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if err := r.check(ctx); err != nil {
		return nil, err
	}
	for _, api := range r.apis[key] {
		if api.GetSequence() == sequence {
			return proto.CloneOf(api), nil
		}
	}
	return nil, fmt.Errorf("%s at %d: %w", key, sequence, registry.ErrNotFound)
}

// Heads implements [registry.Store].
func (r *Registry) Heads(ctx context.Context, keys []contract.Key) ([]registry.Head, error) {
	if len(keys) > registry.MaxHeads {
		return nil, fmt.Errorf("%w: %d keys, more than %d", registry.ErrInvalid, len(keys), registry.MaxHeads)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if err := r.check(ctx); err != nil {
		return nil, err
	}
	var heads []registry.Head
	for _, key := range keys {
		if changes := r.apis[key]; len(changes) > 0 {
			heads = append(heads, registry.HeadOf(changes[len(changes)-1]))
		}
	}
	return heads, nil
}

// List implements [registry.Store].
func (r *Registry) List(ctx context.Context, query registry.ListQuery) ([]registry.Head, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if err := r.check(ctx); err != nil {
		return nil, err
	}
	var keys []contract.Key
	for key, changes := range r.apis {
		deleted := changes[len(changes)-1].GetDeleted()
		if key.Compare(query.After) > 0 && (query.Module == "" || key.Module == query.Module) && (query.Deleted || !deleted) {
			keys = append(keys, key)
		}
	}
	slices.SortFunc(keys, contract.Key.Compare)
	var heads []registry.Head
	for _, key := range keys[:min(len(keys), query.PageSize())] {
		changes := r.apis[key]
		heads = append(heads, registry.HeadOf(changes[len(changes)-1]))
	}
	return heads, nil
}

// History implements [registry.Store].
func (r *Registry) History(ctx context.Context, query registry.HistoryQuery) ([]registry.Change, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if err := r.check(ctx); err != nil {
		return nil, err
	}
	states := r.apis[query.Key]
	if len(states) == 0 {
		return nil, fmt.Errorf("%s: %w", query.Key, registry.ErrNotFound)
	}
	var changes []registry.Change
	for _, api := range slices.Backward(states) {
		if query.Before > 0 && api.GetSequence() >= query.Before {
			continue
		}
		if len(changes) == query.PageSize() {
			break
		}
		changes = append(changes, registry.ChangeOf(api))
	}
	return changes, nil
}

// Save implements [registry.Store].
func (r *Registry) Save(ctx context.Context, api *mqrpcv1.Api) error {
	if err := registry.Validate(api); err != nil {
		return err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if err := r.check(ctx); err != nil {
		return err
	}
	key := contract.KeyOf(api)
	changes := r.apis[key]
	var current int64
	if len(changes) > 0 {
		current = changes[len(changes)-1].GetSequence()
	}
	if api.GetSequence() != current+1 {
		return fmt.Errorf("save %s at %d, the store is at %d: %w", key, api.GetSequence(), current, registry.ErrConflict)
	}
	changes = append(changes, proto.CloneOf(api))
	r.apis[key] = changes[max(0, len(changes)-registry.KeepChanges):]
	return nil
}

// Close implements [registry.Store] and [registry.Notifier]. What is saved stays
// for other connections.
func (r *Registry) Close() error {
	r.mu.Lock()
	r.closed = true
	watches := slices.DeleteFunc(r.watching(), func(w *watch) bool { return w.registry != r })
	r.mu.Unlock()
	for _, w := range watches {
		_ = w.Close()
	}
	return nil
}
