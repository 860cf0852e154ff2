package runtime

import (
	"sync"

	"github.com/mqrpc/mqrpc/internal/fifo"
)

// pool works on items with a bounded number of goroutines, beginning with each
// in the order in which they came.
//
// Goroutines start one after the other, each when the one before it has begun
// to work: work that ends soon is done by few of them, whose stacks have grown
// to what it needs, and work that blocks gets as many as it can use. For the
// same reason one of them stands by when there is nothing to do, until end.
type pool[T any] struct {
	limit int
	work  func(T)
	wake  chan struct{} // for the one that stands by

	mu       sync.Mutex
	running  int
	starting bool // one of the running has not taken its first item yet
	standby  bool
	ended    bool
	waiting  fifo.Queue[T]
}

func newPool[T any](limit int, work func(T)) *pool[T] {
	return &pool[T]{limit: limit, work: work, wake: make(chan struct{}, 1)}
}

// add has the item worked on now or when other work has ended. It does not
// block.
func (p *pool[T]) add(item T) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.waiting.Push(item)
	p.start()
}

// end has no goroutine stand by any more. What is added still gets done.
func (p *pool[T]) end() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.ended = true
	if p.standby {
		p.standby = false
		close(p.wake)
	}
}

// start has one more goroutine work if that may help.
func (p *pool[T]) start() {
	if p.starting || p.running == p.limit || p.waiting.Len() == 0 {
		return
	}
	p.starting = true
	p.running++
	if p.standby {
		p.standby = false
		p.wake <- struct{}{}
		return
	}
	go p.loop()
}

func (p *pool[T]) loop() {
	working := false
	defer func() {
		if working { // the work has ended its goroutine
			go p.loop()
		}
	}()
	p.mu.Lock()
	p.starting = false
	p.mu.Unlock()
	for {
		item, more := p.next()
		if !more {
			return
		}
		working = true
		p.work(item)
		working = false
	}
}

// next takes the oldest waiting item. As long as there is none, one goroutine
// stands by for it; others give their place up.
func (p *pool[T]) next() (item T, more bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for p.waiting.Len() == 0 {
		p.running--
		if p.standby || p.ended {
			return item, false
		}
		p.standby = true
		p.mu.Unlock()
		_, woken := <-p.wake
		p.mu.Lock()
		if !woken {
			return item, false
		}
		p.starting = false
	}
	item = p.waiting.Pop()
	p.start()
	return item, true
}

func (p *pool[T]) load() (running, waiting int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.running, p.waiting.Len()
}
