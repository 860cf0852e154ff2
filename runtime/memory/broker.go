package memory

import (
	"errors"
	"sync"
	"sync/atomic"
	"time"
)

// Config configures a broker and its connections. The zero value is good.
type Config struct {
	// MaxMessages is the greatest number of messages that wait in one queue;
	// the broker refuses further ones. Default: 100,000.
	MaxMessages int
	// MaxBytes is the greatest number of bytes of the bodies that wait in one
	// queue. Default: 1 GiB.
	//
	// Both limits hold as well for the messages that one connection keeps
	// through an outage; further ones fail at once.
	MaxBytes int
	// Grace is for how long an outage is hidden from messages without Retry.
	// Default: 1 s. Negative: none.
	Grace time.Duration
	// ReconnectDelay is the time between the end of a connection, or the start
	// of the broker, and the next connection. Default: 10 ms.
	ReconnectDelay time.Duration
}

func (c Config) withDefaults() Config {
	if c.MaxMessages <= 0 {
		c.MaxMessages = 100_000
	}
	if c.MaxBytes <= 0 {
		c.MaxBytes = 1 << 30
	}
	if c.Grace == 0 {
		c.Grace = time.Second
	}
	if c.ReconnectDelay <= 0 {
		c.ReconnectDelay = 10 * time.Millisecond
	}
	return c
}

var (
	errCut     = errors.New("the connection was cut")
	errStopped = errors.New("the broker is stopped")
)

// Broker is a message broker in memory. It needs no closing: it holds no
// goroutine, and is garbage once its connections are closed. It is safe for
// concurrent use.
type Broker struct {
	config Config

	mu           sync.RWMutex // guards the topology; publishing reads it
	queues       map[string]*queue
	exchanges    map[string]*exchange
	lastQueue    uint64
	lastPriority uint64

	faults           sync.Mutex // one of Stop, Start and Block at a time
	running, blocked atomic.Bool

	connectionsMu sync.Mutex
	connections   map[*Transport]struct{}
}

// NewBroker returns a broker that is running and has no queues.
func NewBroker(config Config) *Broker {
	b := &Broker{
		config:      config.withDefaults(),
		queues:      map[string]*queue{},
		exchanges:   map[string]*exchange{},
		connections: map[*Transport]struct{}{},
	}
	b.running.Store(true)
	return b
}

// DefaultUser is the account of connections that name none.
const DefaultUser = "guest"

// Connect returns a new connection of the account [DefaultUser]. It is connected
// at once if the broker runs, else as soon as it is started.
func (b *Broker) Connect() *Transport { return b.ConnectAs(DefaultUser) }

// ConnectAs returns a new connection of an account, whose name its messages
// carry. Accounts may do everything.
func (b *Broker) ConnectAs(user string) *Transport {
	t := newTransport(b, user)
	b.connectionsMu.Lock()
	b.connections[t] = struct{}{}
	b.connectionsMu.Unlock()
	t.connect()
	return t
}

// Stop stops the broker, as for a restart: every connection drops, unsettled
// messages return to their queues, and the messages of classic queues are lost.
// Queues and bindings stay.
func (b *Broker) Stop() {
	b.faults.Lock()
	defer b.faults.Unlock()
	if !b.running.Swap(false) {
		return
	}
	for _, t := range b.allConnections() {
		t.drop(errStopped)
	}
	for _, q := range b.allQueues() {
		q.halt()
	}
}

// Start starts the broker after [Broker.Stop]; the connections come back by
// themselves, after [Config.ReconnectDelay].
func (b *Broker) Start() {
	b.faults.Lock()
	defer b.faults.Unlock()
	if b.running.Load() {
		return
	}
	for _, q := range b.allQueues() {
		q.resume()
	}
	b.running.Store(true)
	for _, t := range b.allConnections() {
		t.reconnectSoon()
	}
}

// Block makes the broker take no messages, as RabbitMQ does when it is short of
// memory or disk, or take them again. Deliveries go on.
func (b *Broker) Block(blocked bool) {
	b.faults.Lock()
	defer b.faults.Unlock()
	b.blocked.Store(blocked)
	for _, t := range b.allConnections() {
		t.setBlocked(blocked)
	}
}

func (b *Broker) allConnections() []*Transport {
	b.connectionsMu.Lock()
	defer b.connectionsMu.Unlock()
	all := make([]*Transport, 0, len(b.connections))
	for t := range b.connections {
		all = append(all, t)
	}
	return all
}

func (b *Broker) allQueues() []*queue {
	b.mu.RLock()
	defer b.mu.RUnlock()
	all := make([]*queue, 0, len(b.queues))
	for _, q := range b.queues {
		all = append(all, q)
	}
	return all
}

func (b *Broker) forget(t *Transport) {
	b.connectionsMu.Lock()
	defer b.connectionsMu.Unlock()
	delete(b.connections, t)
}
