package broadcast

import (
	"context"
	"crypto/rand"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"time"

	"github.com/mqrpc/mqrpc/contract"
	mqrpcv1 "github.com/mqrpc/mqrpc/proto/mqrpc/v1"
	"github.com/mqrpc/mqrpc/registry"
	"github.com/mqrpc/mqrpc/registry/internal/feed"
	"github.com/mqrpc/mqrpc/runtime/transport"
	"github.com/mqrpc/mqrpc/wire"
)

const (
	// queueMaxLength bounds what waits in a listener queue, see PROTOCOL.md
	// section 2.
	queueMaxLength = 10_000
	// prefetch bounds what waits in this process.
	prefetch = 100
)

// stopTimeout bounds the farewell to the broker.
const stopTimeout = 2 * time.Second

// watch is one watch: a queue of its own, and the states that come in it.
type watch struct {
	notifier *Notifier
	queue    transport.Queue
	feed     *feed.Feed
	unwatch  func() // the transport's states
	ctx      context.Context
	cancel   context.CancelFunc
	work     sync.WaitGroup

	mu       sync.Mutex
	consumes bool            // the queue is consumed
	state    transport.State // of the connection
	connects int             // the connection that the feed was last told of
	missed   bool            // a Follow failed since
	changed  chan struct{}   // closed and replaced when any of these changes
}

// Watch implements [registry.Notifier].
func (n *Notifier) Watch(notify func(registry.Event)) (registry.Watch, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.closed {
		return nil, registry.ErrClosed
	}
	ctx, cancel := context.WithCancel(context.Background())
	w := &watch{
		notifier: n,
		queue: transport.Queue{
			Name:      wire.ListenerQueue("changes-" + strings.ToLower(rand.Text())),
			Bindings:  []transport.Binding{{Exchange: wire.ChangesExchange, Key: "#"}},
			Exclusive: true,
			MaxLength: queueMaxLength,
			Prefetch:  prefetch,
		},
		feed:    feed.New(notify, nil),
		ctx:     ctx,
		cancel:  cancel,
		changed: make(chan struct{}),
	}
	n.watches[w] = true
	w.unwatch = n.config.Transport.Watch(w.setState)
	w.work.Go(w.consume)
	return w, nil
}

// consume begins to consume, and stops when the watch is closed.
func (w *watch) consume() {
	consumer, err := transport.ConsumePersistently(w.ctx, w.notifier.config.Transport, w.queue, w.deliver, func(err error) {
		w.notifier.config.Logger.Warn("broadcast: cannot listen for changes; trying again", slog.Any("error", err))
	})
	if err != nil {
		return
	}
	w.update(func() { w.consumes = true })
	<-w.ctx.Done()
	w.stop(consumer)
}

// stop ends the consumer and removes its queue, which else goes with the connection.
func (w *watch) stop(consumer transport.Consumer) {
	ctx, cancel := context.WithTimeout(context.Background(), stopTimeout)
	defer cancel()
	if err := consumer.Stop(ctx); err != nil {
		w.notifier.config.Logger.Warn("broadcast: the consumer did not stop in time", slog.Any("error", err))
		return
	}
	w.feed.Close() // it acknowledges what it has, so that the queue is empty
	if w.standing() {
		_, _ = consumer.Remove(ctx)
	}
}

// setState takes the transport's state. It must not block.
func (w *watch) setState(state transport.State) {
	w.update(func() { w.state = state })
}

// update changes what is known of the connection. With the first connection on
// which the queue is consumed, and with every later one, news may have been
// lost before.
func (w *watch) update(change func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	change()
	if w.consumes && w.state.Connected && (w.connects != w.state.Connects || w.missed) {
		if w.connects != 0 || w.missed {
			w.feed.Lost() // it queues only
		}
		w.connects, w.missed = w.state.Connects, false
	}
	close(w.changed)
	w.changed = make(chan struct{})
}

func (w *watch) standing() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.consumes && w.state.Connected
}

// deliver takes a message from the queue. It does not block: the feed has a
// goroutine of its own, and the prefetch bounds what waits there.
func (w *watch) deliver(delivery *transport.Delivery) {
	if delivery.Type != wire.TypeChange {
		delivery.Settle.Ack()
		return
	}
	api := &mqrpcv1.Api{}
	err := contract.Unmarshal(delivery.Body, api)
	if err == nil {
		err = contract.KeyOf(api).Check()
	}
	if err == nil && wire.APIKey(api.GetModule(), api.GetVersion()) != delivery.RoutingKey {
		err = fmt.Errorf("it is about %s and came under the key %.255q", contract.KeyOf(api), delivery.RoutingKey)
	}
	if err != nil {
		w.notifier.config.Logger.Warn("broadcast: a message is no change of an API, it is dropped", slog.Any("error", err))
		delivery.Settle.Ack()
		return
	}
	w.feed.Send(api, delivery.Settle.Ack)
}

// Follow implements [registry.Watch]. Before the first connection it waits for
// it as long as a second.
func (w *watch) Follow(ctx context.Context, key contract.Key) error {
	if err := w.feed.Follow(key); err != nil {
		return err
	}
	timeout := time.NewTimer(time.Second)
	defer timeout.Stop()
	for {
		w.mu.Lock()
		standing := w.consumes && w.state.Connected
		starting := !w.consumes && w.state.Connected || w.state.Connects == 0
		changed, cause := w.changed, w.state.Err
		if !standing && !starting {
			w.missed = true
		}
		w.mu.Unlock()
		switch {
		case standing:
			return nil // also when ctx has ended: there is nothing to wait for
		case !starting:
			return followError(key, cause)
		}
		select {
		case <-changed:
			continue
		case <-timeout.C:
		case <-ctx.Done():
			cause = context.Cause(ctx)
		}
		w.update(func() { w.missed = true })
		return followError(key, cause)
	}
}

func followError(key contract.Key, cause error) error {
	err := fmt.Errorf("follow %s on the exchange %s: %w", key, wire.ChangesExchange, registry.ErrUnavailable)
	if cause != nil {
		err = fmt.Errorf("%w: %w", err, cause)
	}
	return err
}

// Unfollow implements [registry.Watch].
func (w *watch) Unfollow(key contract.Key) { w.feed.Unfollow(key) }

// Close implements [registry.Watch].
func (w *watch) Close() error {
	w.notifier.mu.Lock()
	delete(w.notifier.watches, w)
	w.notifier.mu.Unlock()
	w.unwatch()
	w.cancel()
	w.work.Wait()
	w.feed.Close()
	return nil
}
