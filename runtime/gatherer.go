package runtime

import (
	goruntime "runtime"
	"sync"
	"sync/atomic"
	"time"
)

// Batching bounds how calls, or replies, gather in messages. A call that finds
// no message under way to its queue is sent at once, with those whose callers are
// about to call at the same moment; the others gather until the broker has
// confirmed the message before them and they are enough, or one of these bounds
// is reached. The zero value has the defaults.
type Batching struct {
	// MaxEntries bounds the calls or replies in one message. Default:
	// [DefaultBatchEntries]. With 1 every call travels alone: batching is off.
	MaxEntries int
	// MaxBytes is the size of a message beyond which nothing is added to it. What
	// is larger travels alone. Default: [DefaultBatchBytes].
	MaxBytes int
	// Linger bounds the time for which a call gathers; where the broker takes
	// longer to confirm messages it is up to twice that, and up to four times
	// Linger. Default: [DefaultBatchLinger].
	Linger time.Duration
}

// The defaults of [Batching].
const (
	DefaultBatchEntries = 512
	DefaultBatchBytes   = 64 << 10
	DefaultBatchLinger  = 500 * time.Microsecond
)

func (b Batching) withDefaults() Batching {
	if b.MaxEntries <= 0 {
		b.MaxEntries = DefaultBatchEntries
	}
	if b.MaxBytes <= 0 {
		b.MaxBytes = DefaultBatchBytes
	}
	if b.Linger <= 0 {
		b.Linger = DefaultBatchLinger
	}
	return b
}

// workPerMessage bounds the handling time, as observed, of the calls that
// gather in one message. With it calls of fast methods share messages, and slow
// ones go one by one and spread over the instances.
const workPerMessage = time.Millisecond

// quickWork is the handling time, as observed, below which calls may wait for
// each other. It is small beside the way to a worker and back.
const quickWork = 50 * time.Microsecond

// entry is one call or reply on its way into a message.
type entry[T any] struct {
	content T
	// bytes is the most that it adds to the message.
	bytes int
	// work is the handling time that it is expected to need.
	work time.Duration
	// followed is set when more entries for the same destination are certain to
	// come soon: it need not leave at once.
	followed bool
}

// carrier is what a gatherer needs of those who send its batches.
type carrier[K comparable, T any] interface {
	// carry sends a batch: it has the transport publish a message and gives it
	// the batch's settle function. False: there was nothing left to send.
	carry(destination K, b *batch[K, T]) bool
	// settled learns the fate of a batch that was sent.
	settled(destination K, contents []T, err error)
}

// batch is what leaves in one message. It is used again for later messages.
type batch[K comparable, T any] struct {
	contents []T
	bytes    int
	work     time.Duration
	// left is when it was sent.
	left time.Time
	// body is memory for the message.
	body *[]byte
	// settle is what the transport calls with the message's fate.
	settle func(error)
}

// gatherer collects entries for one destination and sends them in batches.
type gatherer[K comparable, T any] struct {
	limits      Batching
	destination K
	carrier     carrier[K, T]

	// open counts the quick calls whose callers wait, both those in messages and
	// those that gather. Of replies none is open.
	open atomic.Int64

	mu       sync.Mutex
	waiting  *batch[K, T]
	spare    []*batch[K, T]
	leaving  bool // an entry found the way free and is about to send what waits
	underWay int  // messages sent and not yet settled
	linger   *time.Timer
	confirm  time.Duration // how long the broker takes to confirm a message, on average
}

func newGatherer[K comparable, T any](limits Batching, destination K, carrier carrier[K, T]) *gatherer[K, T] {
	g := &gatherer[K, T]{limits: limits, destination: destination, carrier: carrier}
	g.waiting = g.newBatch()
	return g
}

func (g *gatherer[K, T]) newBatch() *batch[K, T] {
	b := &batch[K, T]{}
	b.settle = func(err error) { g.settled(b, err) }
	return b
}

// add takes an entry.
func (g *gatherer[K, T]) add(e entry[T]) {
	g.mu.Lock()
	var before *batch[K, T]
	if len(g.waiting.contents) > 0 && !g.fits(&e) {
		before = g.take()
	}
	g.waiting.contents = append(g.waiting.contents, e.content)
	g.waiting.bytes += e.bytes
	g.waiting.work += e.work
	var after *batch[K, T]
	leave := false
	switch {
	case g.full():
		after = g.take()
	case g.underWay == 0 && !g.leaving && !e.followed && g.enough():
		g.leaving, leave = true, true
	case len(g.waiting.contents) == 1:
		g.startLinger()
	}
	g.mu.Unlock()
	g.dispatch(before)
	g.dispatch(after)
	if leave {
		g.leave()
	}
}

// enough reports whether what waits is worth a message although it has room for
// more. Quick calls wait for each other until they are half of those that are
// open: their callers' next calls are as many again, and then so few messages
// carry all that one is on its way there while the other is on its way back.
func (g *gatherer[K, T]) enough() bool {
	n := len(g.waiting.contents)
	return 2*n >= int(g.open.Load()) || g.waiting.work > time.Duration(n)*quickWork
}

// fits reports whether an entry goes well with what waits: a large one would hold
// it up on the way, and one that is slow by itself at the worker.
func (g *gatherer[K, T]) fits(e *entry[T]) bool {
	return g.waiting.bytes+e.bytes <= g.limits.MaxBytes && e.work < workPerMessage
}

func (g *gatherer[K, T]) full() bool {
	w := g.waiting
	return len(w.contents) >= g.limits.MaxEntries || w.bytes >= g.limits.MaxBytes || w.work >= workPerMessage
}

// leave sends what waits, after those goroutines that are ready to run had a
// chance to add to it: the callers whose replies came in one message go on at
// the same moment. One that is alone does not wait for anybody.
func (g *gatherer[K, T]) leave() {
	if g.open.Load() > 1 {
		goruntime.Gosched()
	}
	g.mu.Lock()
	g.leaving = false
	taken := g.take()
	g.mu.Unlock()
	g.dispatch(taken)
}

// take empties the gatherer for sending. The caller holds the lock.
func (g *gatherer[K, T]) take() *batch[K, T] {
	if len(g.waiting.contents) == 0 {
		return nil
	}
	taken := g.waiting
	g.underWay++
	if n := len(g.spare); n > 0 {
		g.waiting, g.spare = g.spare[n-1], g.spare[:n-1]
	} else {
		g.waiting = g.newBatch()
	}
	return taken
}

func (g *gatherer[K, T]) dispatch(b *batch[K, T]) {
	if b == nil {
		return
	}
	b.body, b.left = takeBuffer(b.bytes), time.Now()
	if !g.carrier.carry(g.destination, b) {
		g.free(b, true)
	}
}

func (g *gatherer[K, T]) startLinger() {
	if g.linger == nil {
		g.linger = time.AfterFunc(g.lingerNow(), g.flush)
		return
	}
	g.linger.Reset(g.lingerNow())
}

// maxLinger bounds how many times as long as configured entries gather.
const maxLinger = 4

// lingerNow is how long entries gather: where broker and machines are so busy
// that messages take longer than the linger, fewer and larger ones help.
func (g *gatherer[K, T]) lingerNow() time.Duration {
	return max(g.limits.Linger, min(2*g.confirm, maxLinger*g.limits.Linger))
}

// flush sends what waits.
func (g *gatherer[K, T]) flush() {
	g.mu.Lock()
	taken := g.take()
	g.mu.Unlock()
	g.dispatch(taken)
}

func (g *gatherer[K, T]) settled(b *batch[K, T], err error) {
	g.carrier.settled(g.destination, b.contents, err)
	// After an error the transport may still hold the body.
	g.free(b, err == nil)
}

// maxSpare bounds the batches that a gatherer keeps for later use.
const maxSpare = 128

// free ends a batch's way, and sends what has gathered meanwhile.
func (g *gatherer[K, T]) free(b *batch[K, T], again bool) {
	g.mu.Lock()
	g.underWay--
	g.confirm += (time.Since(b.left) - g.confirm) / paceWeight
	if again {
		giveBuffer(b.body)
		if len(g.spare) < maxSpare {
			clear(b.contents)
			b.contents, b.body, b.bytes, b.work = b.contents[:0], nil, 0, 0
			g.spare = append(g.spare, b)
		}
	}
	var taken *batch[K, T]
	if g.underWay == 0 && !g.leaving && g.enough() {
		taken = g.take()
	}
	g.mu.Unlock()
	g.dispatch(taken)
}

// idle reports whether nothing waits, is under way, or is open.
func (g *gatherer[K, T]) idle() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return len(g.waiting.contents) == 0 && g.underWay == 0 && g.open.Load() == 0
}

// gatherers keeps a gatherer for each destination in use.
type gatherers[K comparable, T any] struct {
	limits  Batching
	carrier carrier[K, T]

	mu    sync.RWMutex
	inUse map[K]*gatherer[K, T]
	sweep int // the number of gatherers at which the idle ones are dropped
}

// minSweep is the number of gatherers below which none is dropped.
const minSweep = 256

func newGatherers[K comparable, T any](limits Batching, carrier carrier[K, T]) *gatherers[K, T] {
	return &gatherers[K, T]{limits: limits, carrier: carrier, inUse: map[K]*gatherer[K, T]{}, sweep: minSweep}
}

// of returns the gatherer of a destination. One that is dropped meanwhile still
// sends what is added to it.
func (g *gatherers[K, T]) of(destination K) *gatherer[K, T] {
	g.mu.RLock()
	one := g.inUse[destination]
	g.mu.RUnlock()
	if one == nil {
		one = g.open(destination)
	}
	return one
}

func (g *gatherers[K, T]) open(destination K) *gatherer[K, T] {
	g.mu.Lock()
	defer g.mu.Unlock()
	one := g.inUse[destination]
	if one == nil {
		g.dropIdle()
		one = newGatherer(g.limits, destination, g.carrier)
		g.inUse[destination] = one
	}
	return one
}

func (g *gatherers[K, T]) dropIdle() {
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
