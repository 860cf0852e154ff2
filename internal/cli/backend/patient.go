package backend

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/mqrpc/mqrpc/contract"
	mqrpcv1 "github.com/mqrpc/mqrpc/proto/mqrpc/v1"
	"github.com/mqrpc/mqrpc/registry"
)

// retryAfter is how long a store that could not be opened is left alone.
const retryAfter = time.Second

// patientStore opens a store when it is used, again and again until that
// succeeds. So a gateway starts while its database is down.
type patientStore struct {
	open func(context.Context) (registry.Store, error)

	opening sync.Mutex // held while it is opened

	mu     sync.Mutex
	store  registry.Store
	closed bool
	err    error // of the last try
	tried  time.Time
}

var _ registry.Store = (*patientStore)(nil)

func newPatientStore(open func(context.Context) (registry.Store, error)) *patientStore {
	return &patientStore{open: open}
}

// get returns the opened store. Everything but ErrClosed is ErrUnavailable: what
// is wrong now may be mended.
func (p *patientStore) get(ctx context.Context) (registry.Store, error) {
	if store, err := p.known(); store != nil || err != nil {
		return store, err
	}
	p.opening.Lock()
	defer p.opening.Unlock()
	if store, err := p.known(); store != nil || err != nil {
		return store, err // somebody else has tried meanwhile
	}
	store, err := p.open(ctx)
	p.mu.Lock()
	defer p.mu.Unlock()
	p.err, p.tried = err, time.Now()
	if err != nil {
		return nil, fmt.Errorf("%w: %w", registry.ErrUnavailable, err)
	}
	if p.closed {
		_ = store.Close() // it was closed while it was opened
		return nil, registry.ErrClosed
	}
	p.store = store
	return store, nil
}

// known is what needs no try: the store, or why there is none.
func (p *patientStore) known() (registry.Store, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case p.closed:
		return nil, registry.ErrClosed
	case p.store != nil:
		return p.store, nil
	case p.err != nil && time.Since(p.tried) < retryAfter:
		return nil, fmt.Errorf("%w: %w", registry.ErrUnavailable, p.err)
	}
	return nil, nil
}

// Load implements [registry.Store].
func (p *patientStore) Load(ctx context.Context, key contract.Key) (*mqrpcv1.Api, error) {
	store, err := p.get(ctx)
	if err != nil {
		return nil, err
	}
	return store.Load(ctx, key)
}

// LoadAt implements [registry.Store].
func (p *patientStore) LoadAt(ctx context.Context, key contract.Key, sequence int64) (*mqrpcv1.Api, error) {
	store, err := p.get(ctx)
	if err != nil {
		return nil, err
	}
	return store.LoadAt(ctx, key, sequence)
}

// Heads implements [registry.Store].
func (p *patientStore) Heads(ctx context.Context, keys []contract.Key) ([]registry.Head, error) {
	store, err := p.get(ctx)
	if err != nil {
		return nil, err
	}
	return store.Heads(ctx, keys)
}

// List implements [registry.Store].
func (p *patientStore) List(ctx context.Context, query registry.ListQuery) ([]registry.Head, error) {
	store, err := p.get(ctx)
	if err != nil {
		return nil, err
	}
	return store.List(ctx, query)
}

// History implements [registry.Store].
func (p *patientStore) History(ctx context.Context, query registry.HistoryQuery) ([]registry.Change, error) {
	store, err := p.get(ctx)
	if err != nil {
		return nil, err
	}
	return store.History(ctx, query)
}

// Save implements [registry.Store].
func (p *patientStore) Save(ctx context.Context, api *mqrpcv1.Api) error {
	store, err := p.get(ctx)
	if err != nil {
		return err
	}
	return store.Save(ctx, api)
}

// Close implements [registry.Store].
func (p *patientStore) Close() error {
	p.mu.Lock()
	p.closed = true
	store := p.store
	p.store = nil
	p.mu.Unlock()
	if store == nil {
		return nil
	}
	return store.Close()
}
