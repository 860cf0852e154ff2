package memory

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"sync"

	"google.golang.org/protobuf/proto"

	"github.com/mqrpc/mqrpc/contract"
	mqrpcv1 "github.com/mqrpc/mqrpc/proto/mqrpc/v1"
	"github.com/mqrpc/mqrpc/registry"
)

// watch is one watch of a registry: a queue of events and a goroutine that
// delivers them.
type watch struct {
	registry *Registry
	notify   func(registry.Event)
	done     chan struct{} // closed when the goroutine has ended

	mu       sync.Mutex
	changed  *sync.Cond
	followed map[contract.Key]bool
	queue    []registry.Event
	closed   bool
}

// Watch implements [registry.Notifier].
func (r *Registry) Watch(notify func(registry.Event)) (registry.Watch, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed {
		return nil, registry.ErrClosed
	}
	w := &watch{
		registry: r,
		notify:   notify,
		done:     make(chan struct{}),
		followed: make(map[contract.Key]bool),
	}
	w.changed = sync.NewCond(&w.mu)
	r.watches[w] = true
	go w.deliver()
	return w, nil
}

// Announce implements [registry.Notifier]. The event carries the whole API.
func (r *Registry) Announce(ctx context.Context, api *mqrpcv1.Api) error {
	r.mu.Lock()
	err := r.check(ctx)
	watches := r.watching()
	r.mu.Unlock()
	if err != nil {
		return err
	}
	event := registry.Event{Key: contract.KeyOf(api), API: proto.CloneOf(api)}
	for _, w := range watches {
		w.send(event)
	}
	return nil
}

// watching is the list of watches. The mutex is held.
func (r *Registry) watching() []*watch { return slices.Collect(maps.Keys(r.watches)) }

// Follow implements [registry.Watch].
//
// It takes no time, so it does not look whether the context has ended.
func (w *watch) Follow(ctx context.Context, key contract.Key) error {
	w.mu.Lock()
	w.followed[key] = true
	closed := w.closed
	w.mu.Unlock()
	if closed {
		return registry.ErrClosed
	}
	w.registry.mu.Lock()
	defer w.registry.mu.Unlock()
	if err := w.registry.check(context.WithoutCancel(ctx)); err != nil {
		return fmt.Errorf("follow %s: %w", key, err)
	}
	return nil
}

// Unfollow implements [registry.Watch].
func (w *watch) Unfollow(key contract.Key) {
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.followed, key)
}

// Close implements [registry.Watch].
func (w *watch) Close() error {
	w.registry.mu.Lock()
	delete(w.registry.watches, w)
	w.registry.mu.Unlock()

	w.mu.Lock()
	w.closed = true
	w.changed.Signal()
	w.mu.Unlock()
	<-w.done
	return nil
}

// send queues an event.
func (w *watch) send(event registry.Event) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.queue = append(w.queue, event)
	w.changed.Signal()
}

// deliver calls notify, one event after the other.
func (w *watch) deliver() {
	defer close(w.done)
	w.mu.Lock()
	defer w.mu.Unlock()
	for {
		for len(w.queue) == 0 && !w.closed {
			w.changed.Wait()
		}
		if w.closed {
			return
		}
		event := w.queue[0]
		w.queue = w.queue[1:]
		if event.Key.IsZero() || w.followed[event.Key] {
			w.mu.Unlock()
			w.notify(event)
			w.mu.Lock()
		}
	}
}
