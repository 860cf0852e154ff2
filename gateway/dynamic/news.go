package dynamic

import (
	"context"
	"sync"

	"github.com/mqrpc/mqrpc/contract"
	"github.com/mqrpc/mqrpc/registry"
)

// news is the registry's notifier as the follower sees it. The same watch also
// follows the APIs that were looked up in vain, as long as that is remembered,
// so that they are found as soon as they are pushed.
type news struct {
	registry.Notifier
	apis *APIs

	mu    sync.Mutex
	watch *sharedWatch // nil until the follower has begun it
}

// Watch implements [registry.Notifier].
func (n *news) Watch(notify func(registry.Event)) (registry.Watch, error) {
	inner, err := n.Notifier.Watch(func(event registry.Event) {
		n.apis.hearOfChange(event)
		notify(event)
	})
	if err != nil {
		return nil, err
	}
	w := &sharedWatch{Watch: inner, loaded: make(map[contract.Key]bool), unknown: make(map[contract.Key]bool)}
	n.mu.Lock()
	defer n.mu.Unlock()
	n.watch = w
	return w, nil
}

func (n *news) shared() *sharedWatch {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.watch
}

// hearOfChange has an API looked up again that was unknown before.
func (a *APIs) hearOfChange(event registry.Event) {
	switch {
	case event.API != nil:
		a.forgetUnknown(contract.KeyOf(event.API))
	case !event.Key.IsZero():
		a.forgetUnknown(event.Key)
	default: // news may have been lost
		a.loads.newsOfAll(a.unknown.forgetAll)
	}
}

// followUnknown has the changes of an API told that is remembered as unknown. It
// does its best: should it fail, the memory is short.
func (a *APIs) followUnknown(key contract.Key) {
	if a.news == nil || !a.unknown.has(key) {
		return
	}
	ctx, cancel := context.WithTimeout(a.ctx, a.config.StepTimeout)
	defer cancel()
	a.news.shared().followUnknown(ctx, key)
}

// unfollowUnknown undoes followUnknown.
func (a *APIs) unfollowUnknown(key contract.Key) {
	if a.news == nil {
		return
	}
	if w := a.news.shared(); w != nil {
		w.unfollowUnknown(key)
	}
}

// sharedWatch is a watch that two follow by: the follower what is loaded, and
// the APIs what is unknown.
type sharedWatch struct {
	registry.Watch

	mu              sync.Mutex
	loaded, unknown map[contract.Key]bool
}

// Follow implements [registry.Watch].
func (w *sharedWatch) Follow(ctx context.Context, key contract.Key) error {
	w.set(w.loaded, key, true)
	return w.Watch.Follow(ctx, key)
}

// Unfollow implements [registry.Watch].
func (w *sharedWatch) Unfollow(key contract.Key) {
	w.set(w.loaded, key, false)
	w.settle(key)
}

func (w *sharedWatch) followUnknown(ctx context.Context, key contract.Key) {
	w.set(w.unknown, key, true)
	_ = w.Watch.Follow(ctx, key) // it follows as soon as it can
}

// unfollowUnknown costs nothing for a key that is not followed so.
func (w *sharedWatch) unfollowUnknown(key contract.Key) {
	if w.set(w.unknown, key, false) {
		w.settle(key)
	}
}

// set notes who follows a key, and reports whether that is another than before.
func (w *sharedWatch) set(who map[contract.Key]bool, key contract.Key, follows bool) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	before := who[key]
	if follows {
		who[key] = true
	} else {
		delete(who, key)
	}
	return before != follows
}

func (w *sharedWatch) wanted(key contract.Key) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.loaded[key] || w.unknown[key]
}

// settle ends the following of a key that nobody follows any more. Somebody may
// begin to, meanwhile.
func (w *sharedWatch) settle(key contract.Key) {
	if w.wanted(key) {
		return
	}
	w.Watch.Unfollow(key)
	if w.wanted(key) {
		ctx, cancel := context.WithCancel(context.Background())
		cancel() // it follows as soon as it can
		_ = w.Watch.Follow(ctx, key)
	}
}

// stale returns the unknown keys that are followed and not remembered.
func (w *sharedWatch) stale(remembered func(contract.Key) bool) []contract.Key {
	w.mu.Lock()
	defer w.mu.Unlock()
	var stale []contract.Key
	for key := range w.unknown {
		if !remembered(key) {
			stale = append(stale, key)
		}
	}
	return stale
}
