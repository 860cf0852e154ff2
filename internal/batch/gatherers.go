package batch

import "sync"

// Gatherers keeps a gatherer for each destination in use. It is safe for
// concurrent use.
type Gatherers[K comparable, T any] struct {
	limits Limits
	sender Sender[K, T]

	mu    sync.RWMutex
	inUse map[K]*Gatherer[K, T]
	sweep int // the number of gatherers at which the idle ones are dropped
}

// minSweep is the number of gatherers below which none is dropped.
const minSweep = 256

// NewGatherers returns gatherers that give their batches to sender.
func NewGatherers[K comparable, T any](limits Limits, sender Sender[K, T]) *Gatherers[K, T] {
	return &Gatherers[K, T]{limits: limits, sender: sender, inUse: map[K]*Gatherer[K, T]{}, sweep: minSweep}
}

// To returns the gatherer of a destination. One that is dropped meanwhile still
// sends what is added to it.
func (g *Gatherers[K, T]) To(destination K) *Gatherer[K, T] {
	g.mu.RLock()
	one := g.inUse[destination]
	g.mu.RUnlock()
	if one == nil {
		one = g.open(destination)
	}
	return one
}

func (g *Gatherers[K, T]) open(destination K) *Gatherer[K, T] {
	g.mu.Lock()
	defer g.mu.Unlock()
	one := g.inUse[destination]
	if one == nil {
		g.dropIdle()
		one = newGatherer(g.limits, destination, g.sender)
		g.inUse[destination] = one
	}
	return one
}

func (g *Gatherers[K, T]) dropIdle() {
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
