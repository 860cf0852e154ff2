package rabbitmq

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/mqrpc/mqrpc/runtime"
)

// Transport is a connection to RabbitMQ that repairs itself. It implements
// [runtime.Transport]; make one with [Connect].
type Transport struct {
	config    Config
	addresses []address
	log       *slog.Logger
	outbox    *outbox

	ctx   context.Context // ends when the transport is closed
	end   context.CancelFunc
	loops sync.WaitGroup

	mu        sync.Mutex // protects what follows
	link      *link      // nil without a connection
	links     int        // made so far
	consumers map[*consumer]struct{}
	tags      int
	closed    bool

	stateMu sync.Mutex // protects state
	state   runtime.State

	watch    sync.Mutex // held while the watchers are told, so that they are told in order
	watchers map[int]func(runtime.State)
	watcher  int
}

var _ runtime.Transport = (*Transport)(nil)

// Connect checks the configuration and begins to connect. It does not wait for
// the broker: a transport connects in the background, and reconnects for ever.
func Connect(config Config) (*Transport, error) {
	addresses, err := parseAddresses(config.URLs)
	if err != nil {
		return nil, err
	}
	config = config.withDefaults()
	ctx, end := context.WithCancel(context.Background())
	t := &Transport{
		config:    config,
		addresses: addresses,
		log:       config.Logger,
		outbox:    newOutbox(config.Grace, config.MaxBacklog),
		ctx:       ctx,
		end:       end,
		consumers: map[*consumer]struct{}{},
		state:     runtime.State{Since: time.Now(), Err: runtime.ErrDisconnected},
		watchers:  map[int]func(runtime.State){},
	}
	t.loops.Go(t.keepConnected)
	t.loops.Go(t.sweepOutbox)
	return t, nil
}

// Publish implements [runtime.Transport].
func (t *Transport) Publish(message runtime.Publishing, done func(error)) {
	if err := t.outbox.put(outgoing{Publishing: message, done: done}); err != nil {
		done(err)
	}
}

// Consume implements [runtime.Transport].
func (t *Transport) Consume(ctx context.Context, queue runtime.Queue, deliver func(*runtime.Delivery)) (runtime.Consumer, error) {
	c := &consumer{
		transport: t,
		queue:     queue,
		deliver:   deliver,
		first:     make(chan error, 1),
		stopped:   make(chan struct{}),
	}
	if err := t.begin(c); err != nil {
		return nil, fmt.Errorf("consume the queue %s: %w", queue.Name, err)
	}
	var err error
	select {
	case err = <-c.first:
	case <-ctx.Done():
		err = ctx.Err()
		if state := t.State(); state.Err != nil {
			err = fmt.Errorf("%w: %w", err, state.Err)
		}
	case <-t.ctx.Done():
		err = runtime.ErrClosed
	}
	if err != nil {
		c.cancel()
		return nil, fmt.Errorf("consume the queue %s: %w", queue.Name, err)
	}
	return c, nil
}

// begin makes a consumer follow this connection and all later ones.
func (t *Transport) begin(c *consumer) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.closed {
		return runtime.ErrClosed
	}
	t.tags++
	c.tag = fmt.Sprintf("%s-%d", t.config.Name, t.tags)
	t.consumers[c] = struct{}{}
	if l := t.link; l != nil {
		c.loops.Go(func() { c.follow(l, func() {}) })
	}
	return nil
}

// forget makes a consumer follow no further connection.
func (t *Transport) forget(c *consumer) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.consumers, c)
}

func (t *Transport) currentLink() *link {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.link
}

// User implements [runtime.Transport]. With several URLs it is the account of the
// first.
func (t *Transport) User() string { return t.addresses[0].user }

// State implements [runtime.Transport].
func (t *Transport) State() runtime.State {
	t.stateMu.Lock()
	defer t.stateMu.Unlock()
	return t.state
}

// Watch implements [runtime.Transport].
func (t *Transport) Watch(changed func(runtime.State)) (stop func()) {
	t.watch.Lock()
	defer t.watch.Unlock()
	t.watcher++
	id := t.watcher
	t.watchers[id] = changed
	changed(t.State())
	return func() {
		t.watch.Lock()
		defer t.watch.Unlock()
		delete(t.watchers, id)
	}
}

func (t *Transport) setState(state runtime.State) {
	t.watch.Lock()
	defer t.watch.Unlock()
	if last := t.State(); last.Connected || state.Connected {
		state.Since = time.Now()
	} else {
		state.Since = last.Since // the same outage, for another reason
	}
	t.stateMu.Lock()
	t.state = state
	t.stateMu.Unlock()
	for _, changed := range t.watchers {
		changed(state)
	}
}

// Close implements [runtime.Transport].
func (t *Transport) Close(ctx context.Context) error {
	t.mu.Lock()
	t.closed = true
	t.mu.Unlock()

	var err error
	select {
	case <-t.outbox.finish():
	case <-ctx.Done():
		err = fmt.Errorf("close the transport: messages are still waiting to be sent: %w", ctx.Err())
	}
	t.end()
	if l := t.currentLink(); l != nil {
		l.flush(ctx)
		l.close()
	}
	t.loops.Wait()
	t.outbox.drop()
	t.waitForConsumers()
	t.setState(runtime.State{Connects: t.State().Connects, Err: runtime.ErrClosed})
	return err
}

func (t *Transport) waitForConsumers() {
	t.mu.Lock()
	consumers := t.consumers
	t.consumers = map[*consumer]struct{}{}
	t.mu.Unlock()
	for c := range consumers {
		c.loops.Wait()
	}
}

// sweepInterval is how often messages that wait are checked for their deadline
// and the grace of an outage.
const sweepInterval = 50 * time.Millisecond

func (t *Transport) sweepOutbox() {
	ticker := time.NewTicker(sweepInterval)
	defer ticker.Stop()
	for {
		select {
		case <-t.ctx.Done():
			return
		case <-ticker.C:
			t.outbox.sweep()
		}
	}
}
