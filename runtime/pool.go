package runtime

import (
	"sync"

	"github.com/mqrpc/mqrpc/internal/fifo"
)

// pool works on items with a bounded number of goroutines, beginning with each
// in the order in which they came. It holds no goroutine while there is nothing
// to do.
//
// Goroutines start one after the other, each when the one before it has begun
// to work: work that ends soon is done by few of them, whose stacks have grown
// to what it needs, and work that blocks gets as many as it can use.
type pool[T any] struct {
	limit int
	work  func(T)

	mu       sync.Mutex
	running  int
	starting bool // one of the running has not taken its first item yet
	waiting  fifo.Queue[T]
}

func newPool[T any](limit int, work func(T)) *pool[T] { return &pool[T]{limit: limit, work: work} }

// add has the item worked on now or when other work has ended. It does not
// block.
func (p *pool[T]) add(item T) {
	p.mu.Lock()
	p.waiting.Push(item)
	start := p.mayStart()
	p.mu.Unlock()
	if start {
		go p.loop()
	}
}

// mayStart reports whether one more goroutine should start, and counts it.
func (p *pool[T]) mayStart() bool {
	if p.starting || p.running == p.limit || p.waiting.Len() == 0 {
		return false
	}
	p.starting = true
	p.running++
	return true
}

func (p *pool[T]) loop() {
	worked := false
	defer func() {
		if worked { // the work has ended its goroutine
			go p.loop()
		}
	}()
	p.mu.Lock()
	p.starting = false
	p.mu.Unlock()
	for {
		item, more, start := p.next()
		if !more {
			worked = false
			return
		}
		if start {
			go p.loop()
		}
		worked = true
		p.work(item)
	}
}

// next takes the oldest waiting item, or gives the goroutine's place up.
func (p *pool[T]) next() (item T, more, start bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.waiting.Len() == 0 {
		p.running--
		return item, false, false
	}
	return p.waiting.Pop(), true, p.mayStart()
}

func (p *pool[T]) load() (running, waiting int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.running, p.waiting.Len()
}
