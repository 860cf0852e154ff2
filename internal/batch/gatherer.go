package batch

import (
	goruntime "runtime"
	"sync"
	"sync/atomic"
	"time"
)

// Gatherer collects entries for one destination and sends them in batches. It is
// safe for concurrent use.
type Gatherer[K comparable, T any] struct {
	limits Limits
	to     K
	sender Sender[K, T]

	// open counts the entries whose callers wait, both those in messages and those
	// that gather, and openQuick the quick ones among them. Of replies none is open.
	open, openQuick atomic.Int64

	mu       sync.Mutex
	waiting  *Batch[T]
	spare    []*Batch[T]
	leaving  bool // an entry found the way free and is about to send what waits
	underWay int  // messages sent and not yet settled
	room     room
	linger   *time.Timer
	confirm  time.Duration // how long the broker takes to confirm a message, on average
}

func newGatherer[K comparable, T any](limits Limits, to K, sender Sender[K, T]) *Gatherer[K, T] {
	g := &Gatherer[K, T]{limits: limits, to: to, sender: sender}
	g.waiting = g.newBatch()
	return g
}

func (g *Gatherer[K, T]) newBatch() *Batch[T] {
	b := &Batch[T]{}
	b.Settle = func(outcome error) { g.settled(b, outcome) }
	return b
}

// AddOpen notes that the callers of so many more entries wait; fewer, if it is
// negative. Each instance gets its share of them, and quick ones gather until they
// are half of the quick ones that are open.
func (g *Gatherer[K, T]) AddOpen(more int64, quick bool) {
	g.open.Add(more)
	if quick {
		g.openQuick.Add(more)
	}
}

// Heard notes the answer of an instance that could run so many more entries at
// once; negative: it does not say.
func (g *Gatherer[K, T]) Heard(instance string, free int) {
	now := time.Now()
	g.mu.Lock()
	defer g.mu.Unlock()
	g.room.hear(instance, free, now)
}

// Add takes an entry. It does not wait for it to be sent.
func (g *Gatherer[K, T]) Add(e Entry[T]) {
	g.mu.Lock()
	var before *Batch[T]
	if len(g.waiting.Contents) > 0 && !g.fits(&e) {
		before = g.take()
	}
	g.waiting.Contents = append(g.waiting.Contents, e.Content)
	g.waiting.bytes += e.Bytes
	g.waiting.work += min(e.Work, WorkPerMessage)
	var after *Batch[T]
	leave := false
	switch {
	case g.full():
		after = g.take()
	case g.underWay == 0 && !g.leaving && !e.Followed && g.enough():
		g.leaving, leave = true, true
	case len(g.waiting.Contents) == 1:
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
func (g *Gatherer[K, T]) enough() bool {
	n := len(g.waiting.Contents)
	return 2*n >= int(g.openQuick.Load()) || g.waiting.work > time.Duration(n)*quickWork
}

// fits reports whether an entry goes well with what waits: a large one would hold
// it up on the way, and one that is too much for an instance at the worker.
func (g *Gatherer[K, T]) fits(e *Entry[T]) bool {
	work := g.waiting.work + min(e.Work, WorkPerMessage)
	return g.waiting.bytes+e.Bytes <= g.limits.Bytes && (e.Work < WorkPerMessage && g.waiting.work < WorkPerMessage ||
		g.room.holds(len(g.waiting.Contents)+1, work, int(g.open.Load())))
}

func (g *Gatherer[K, T]) full() bool {
	w := g.waiting
	return len(w.Contents) >= g.limits.Entries || w.bytes >= g.limits.Bytes || w.work >= WorkPerMessage &&
		!g.room.holds(len(w.Contents)+1, w.work+WorkPerMessage, int(g.open.Load()))
}

// leave sends what waits, after those goroutines that are ready to run had a
// chance to add to it: the callers whose replies came in one message go on at
// the same moment. A caller that is alone does not wait for anybody.
func (g *Gatherer[K, T]) leave() {
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
func (g *Gatherer[K, T]) take() *Batch[T] {
	if len(g.waiting.Contents) == 0 {
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

func (g *Gatherer[K, T]) dispatch(b *Batch[T]) {
	if b == nil {
		return
	}
	b.Body, b.Left = TakeBuffer(b.bytes), time.Now()
	if !g.sender.Send(g.to, b) {
		g.free(b, true)
	}
}

func (g *Gatherer[K, T]) startLinger() {
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
func (g *Gatherer[K, T]) lingerNow() time.Duration {
	return max(g.limits.Linger, min(2*g.confirm, maxLinger*g.limits.Linger))
}

// flush sends what waits.
func (g *Gatherer[K, T]) flush() {
	g.mu.Lock()
	taken := g.take()
	g.mu.Unlock()
	g.dispatch(taken)
}

func (g *Gatherer[K, T]) settled(b *Batch[T], outcome error) {
	if final := g.sender.Settled(g.to, b, outcome); !final {
		return
	}
	// After an error the transport may still hold the body.
	g.free(b, outcome == nil)
}

// maxSpare bounds the batches that a gatherer keeps for later use.
const maxSpare = 128

// free ends a batch's way, and sends what has gathered meanwhile.
func (g *Gatherer[K, T]) free(b *Batch[T], again bool) {
	g.mu.Lock()
	g.underWay--
	g.confirm += (time.Since(b.Left) - g.confirm) / averageWeight
	if again {
		GiveBuffer(b.Body)
		if len(g.spare) < maxSpare {
			clear(b.Contents)
			b.Contents, b.Body, b.bytes, b.work = b.Contents[:0], nil, 0, 0
			g.spare = append(g.spare, b)
		}
	}
	var taken *Batch[T]
	if g.underWay == 0 && !g.leaving && g.enough() {
		taken = g.take()
	}
	g.mu.Unlock()
	g.dispatch(taken)
}

// idle reports whether nothing waits, is under way, or is open.
func (g *Gatherer[K, T]) idle() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return len(g.waiting.Contents) == 0 && g.underWay == 0 && g.open.Load() == 0
}
