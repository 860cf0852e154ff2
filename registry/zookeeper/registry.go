package zookeeper

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"

	"github.com/go-zookeeper/zk"

	"github.com/mqrpc/mqrpc/registry"
	"github.com/mqrpc/mqrpc/registry/internal/feed"
)

// Registry is a registry in ZooKeeper, store and notifier in one. Make it with
// [Open]. It is safe for concurrent use.
type Registry struct {
	config Config
	paths  paths
	ctx    context.Context // ends when the registry is closed
	cancel context.CancelFunc
	work   sync.WaitGroup // the loop of links, and operations under way

	mu      sync.Mutex
	closed  bool
	link    *link         // with a session; nil for none
	failure error         // why there is none; nil while the first try is under way
	changed chan struct{} // closed and replaced when link or failure changes
	feeds   map[*feed.Feed]bool
}

var (
	_ registry.Store    = (*Registry)(nil)
	_ registry.Notifier = (*Registry)(nil)
)

// Open checks the configuration and begins to connect. It does not wait for
// ZooKeeper: a registry connects in the background, and reconnects for ever.
func Open(config Config) (*Registry, error) {
	config, err := config.withDefaults()
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(context.Background())
	r := &Registry{
		config:  config,
		paths:   paths{root: config.Root},
		ctx:     ctx,
		cancel:  cancel,
		changed: make(chan struct{}),
		feeds:   make(map[*feed.Feed]bool),
	}
	r.work.Go(r.keepLinked)
	return r, nil
}

// call does one operation, within the time limit. It returns when ctx ends, even
// if do, which ZooKeeper's client cannot interrupt, goes on for a while. what is
// for the error.
func call[T any](ctx context.Context, r *Registry, what string, do func(context.Context, *link) (T, error)) (T, error) {
	var zero T
	if !r.begin() {
		return zero, registry.ErrClosed
	}
	limited, cancel := context.WithTimeout(ctx, r.config.Timeout)
	stop := context.AfterFunc(r.ctx, cancel)
	type outcome struct {
		value T
		err   error
	}
	done := make(chan outcome, 1)
	go func() {
		defer r.work.Done()
		l, err := r.linked(limited)
		if err != nil {
			done <- outcome{err: err}
			return
		}
		value, err := do(limited, l)
		done <- outcome{value, err}
	}()
	var o outcome
	select {
	case o = <-done:
	case <-limited.Done():
		o.err = limited.Err()
	}
	stop()
	cancel()
	if o.err == nil {
		return o.value, nil
	}
	return zero, r.wrap(ctx, what, o.err)
}

// begin counts an operation, unless the registry is closed.
func (r *Registry) begin() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed {
		return false
	}
	r.work.Add(1)
	return true
}

// linked waits for the first link. Once it is known that there is none, it fails
// at once.
func (r *Registry) linked(ctx context.Context) (*link, error) {
	for {
		r.mu.Lock()
		l, failure, changed := r.link, r.failure, r.changed
		r.mu.Unlock()
		switch {
		case l != nil:
			return l, nil
		case failure != nil:
			return nil, failure
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// setLink says which link there is, or why there is none.
func (r *Registry) setLink(l *link, failure error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.link, r.failure = l, failure
	close(r.changed)
	r.changed = make(chan struct{})
}

// wrap says in an error what was tried where.
func (r *Registry) wrap(ctx context.Context, what string, err error) error {
	err = fmt.Errorf("zookeeper %s: %s: %w", strings.Join(r.config.Servers, ","), what, r.kind(err))
	if cause := context.Cause(ctx); cause != nil && !errors.Is(err, cause) {
		err = fmt.Errorf("%w: %w", err, cause)
	}
	return err
}

// kind adds to an error of ZooKeeper's what the registry calls it.
func (r *Registry) kind(err error) error {
	switch {
	case registry.Classified(err):
		return err
	case r.ctx.Err() != nil:
		return fmt.Errorf("%w: %w", registry.ErrClosed, err)
	case errors.Is(err, zk.ErrNoAuth), errors.Is(err, zk.ErrAuthFailed), errors.Is(err, zk.ErrInvalidACL):
		return fmt.Errorf("%w (check the user, the password and the nodes' ACLs)", err)
	}
	return fmt.Errorf("%w: %w", registry.ErrUnavailable, err)
}

// Close implements [registry.Store] and [registry.Notifier].
func (r *Registry) Close() error {
	r.mu.Lock()
	r.closed = true
	feeds := make([]*feed.Feed, 0, len(r.feeds))
	for f := range r.feeds {
		feeds = append(feeds, f)
	}
	r.mu.Unlock()
	r.cancel()
	for _, f := range feeds {
		f.Close()
	}
	r.work.Wait()
	return nil
}
