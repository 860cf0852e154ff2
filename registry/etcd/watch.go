package etcd

import (
	"context"
	"fmt"

	"github.com/mqrpc/mqrpc/contract"
	mqrpcv1 "github.com/mqrpc/mqrpc/proto/mqrpc/v1"
	"github.com/mqrpc/mqrpc/registry"
	"github.com/mqrpc/mqrpc/registry/internal/feed"
)

// watch is one watch of a registry. What is followed is a matter of its feed:
// etcd tells of all heads.
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
	if !r.following {
		r.following = true
		r.loops.Go(r.follow)
	}
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

// Follow implements [registry.Watch].
func (w *watch) Follow(ctx context.Context, key contract.Key) error {
	if err := w.feed.Follow(key); err != nil {
		return err
	}
	if err := w.registry.probe(ctx); err != nil {
		w.registry.recover()
		return fmt.Errorf("follow %s: %w", key, err)
	}
	return nil
}

// Unfollow implements [registry.Watch].
func (w *watch) Unfollow(key contract.Key) { w.feed.Unfollow(key) }

// Close implements [registry.Watch].
func (w *watch) Close() error {
	w.registry.mu.Lock()
	delete(w.registry.feeds, w.feed)
	w.registry.mu.Unlock()
	w.feed.Close()
	return nil
}
