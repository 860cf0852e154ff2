package zookeeper

import (
	"context"
	"fmt"

	"github.com/mqrpc/mqrpc/contract"
	mqrpcv1 "github.com/mqrpc/mqrpc/proto/mqrpc/v1"
	"github.com/mqrpc/mqrpc/registry"
	"github.com/mqrpc/mqrpc/registry/internal/feed"
)

// watch is one watch of a registry. The links set ZooKeeper's watches for all of
// them together.
type watch struct {
	registry *Registry
	feed     *feed.Feed
}

// Watch implements [registry.Notifier].
func (r *Registry) Watch(notify func(registry.Event)) (registry.Watch, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed {
		return nil, registry.ErrClosed
	}
	w := &watch{registry: r, feed: feed.New(notify, r.Load)}
	r.feeds[w.feed] = true
	return w, nil
}

// Announce implements [registry.Notifier]. It does nothing: saving is the news.
func (r *Registry) Announce(context.Context, *mqrpcv1.Api) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed {
		return registry.ErrClosed
	}
	return nil
}

// Follow implements [registry.Watch]. Only while the very first try to connect is
// under way it waits for that.
func (w *watch) Follow(ctx context.Context, key contract.Key) error {
	if err := key.Check(); err != nil {
		return fmt.Errorf("%w: %w", registry.ErrInvalid, err)
	}
	if err := w.feed.Follow(key); err != nil {
		return err
	}
	return w.registry.follow(ctx, key)
}

// Unfollow implements [registry.Watch]. ZooKeeper's own watch stays until the
// next change of the API.
func (w *watch) Unfollow(key contract.Key) { w.feed.Unfollow(key) }

// Close implements [registry.Watch].
func (w *watch) Close() error {
	w.registry.mu.Lock()
	delete(w.registry.feeds, w.feed)
	w.registry.mu.Unlock()
	w.feed.Close()
	return nil
}
