package runtime

import (
	"sync"
	"time"
)

// Batching bounds how calls, or replies, gather in messages. A call that finds
// no message under way to its queue is sent at once; the others gather until
// the broker has confirmed the message before them, or one of these bounds is
// reached. The zero value has the defaults.
type Batching struct {
	// MaxEntries bounds the calls or replies in one message. Default: 256. With
	// 1 every call travels alone.
	MaxEntries int
	// MaxBytes is the size of a message beyond which nothing is added to it.
	// Default: 64 KiB.
	MaxBytes int
	// Linger bounds the time for which a call gathers. Default: 300 µs.
	Linger time.Duration
}

const (
	defaultMaxEntries = 256
	defaultMaxBytes   = 64 << 10
	defaultLinger     = 300 * time.Microsecond
)

func (b Batching) withDefaults() Batching {
	if b.MaxEntries <= 0 {
		b.MaxEntries = defaultMaxEntries
	}
	if b.MaxBytes <= 0 {
		b.MaxBytes = defaultMaxBytes
	}
	if b.Linger <= 0 {
		b.Linger = defaultLinger
	}
	return b
}

// workPerMessage bounds the handling time, as observed, of the calls that
// gather in one message. With it calls of fast methods share messages, and slow
// ones go one by one and spread over the instances.
const workPerMessage = time.Millisecond

// gatherer collects entries for one destination and sends them in batches.
type gatherer[T any] struct {
	limits Batching
	// send sends a batch and calls settled when the broker has settled it.
	send func(batch []T, bytes int, settled func())

	mu       sync.Mutex
	waiting  []T
	bytes    int
	work     time.Duration
	underWay int // messages sent and not yet settled
	linger   *time.Timer
}

func newGatherer[T any](limits Batching, send func(batch []T, bytes int, settled func())) *gatherer[T] {
	return &gatherer[T]{limits: limits, send: send}
}

// add takes an entry with its size and the handling time that it is expected
// to need.
func (g *gatherer[T]) add(entry T, bytes int, work time.Duration) {
	g.mu.Lock()
	var before, after batch[T]
	if len(g.waiting) > 0 && g.bytes+bytes > g.limits.MaxBytes {
		before = g.take() // what waits and the entry do not fit into one message
	}
	g.waiting = append(g.waiting, entry)
	g.bytes += bytes
	g.work += work
	switch {
	case g.underWay == 0, len(g.waiting) >= g.limits.MaxEntries, g.bytes >= g.limits.MaxBytes, g.work >= workPerMessage:
		after = g.take()
	case len(g.waiting) == 1:
		g.startLinger()
	}
	g.mu.Unlock()
	g.dispatch(before)
	g.dispatch(after)
}

// batch is what take has taken.
type batch[T any] struct {
	entries []T
	bytes   int
}

// take empties the gatherer for sending. The caller holds the lock.
func (g *gatherer[T]) take() batch[T] {
	taken := batch[T]{g.waiting, g.bytes}
	g.waiting, g.bytes, g.work = nil, 0, 0
	if len(taken.entries) > 0 {
		g.underWay++
	}
	return taken
}

func (g *gatherer[T]) dispatch(b batch[T]) {
	if len(b.entries) > 0 {
		g.send(b.entries, b.bytes, g.settled)
	}
}

func (g *gatherer[T]) startLinger() {
	if g.linger == nil {
		g.linger = time.AfterFunc(g.limits.Linger, g.flush)
		return
	}
	g.linger.Reset(g.limits.Linger)
}

// flush sends what waits.
func (g *gatherer[T]) flush() {
	g.mu.Lock()
	taken := g.take()
	g.mu.Unlock()
	g.dispatch(taken)
}

func (g *gatherer[T]) settled() {
	g.mu.Lock()
	g.underWay--
	var taken batch[T]
	if g.underWay == 0 {
		taken = g.take()
	}
	g.mu.Unlock()
	g.dispatch(taken)
}

// idle reports whether nothing waits and nothing is under way.
func (g *gatherer[T]) idle() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return len(g.waiting) == 0 && g.underWay == 0
}

// gatherers keeps a gatherer for each destination in use.
type gatherers[T any] struct {
	limits Batching
	// send is gatherer.send with the destination.
	send func(destination string, batch []T, bytes int, settled func())

	mu    sync.Mutex
	inUse map[string]*gatherer[T]
	sweep int // the number of gatherers at which the idle ones are dropped
}

// minSweep is the number of gatherers below which none is dropped.
const minSweep = 256

func newGatherers[T any](limits Batching, send func(destination string, batch []T, bytes int, settled func())) *gatherers[T] {
	return &gatherers[T]{limits: limits, send: send, inUse: map[string]*gatherer[T]{}, sweep: minSweep}
}

// add gives an entry to its destination's gatherer.
func (g *gatherers[T]) add(destination string, entry T, bytes int, work time.Duration) {
	g.mu.Lock()
	one := g.inUse[destination]
	if one == nil {
		g.dropIdle()
		one = newGatherer(g.limits, func(batch []T, bytes int, settled func()) {
			g.send(destination, batch, bytes, settled)
		})
		g.inUse[destination] = one
	}
	g.mu.Unlock()
	// A gatherer that is dropped between these lines still sends the entry.
	one.add(entry, bytes, work)
}

func (g *gatherers[T]) dropIdle() {
	if len(g.inUse) < g.sweep {
		return
	}
	for destination, one := range g.inUse {
		if one.idle() {
			delete(g.inUse, destination)
		}
	}
	g.sweep = max(minSweep, 2*len(g.inUse))
}
