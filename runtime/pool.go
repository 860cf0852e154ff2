package runtime

import "sync"

// pool works on items with a bounded number of goroutines, beginning with each
// in the order in which they came. What comes in the meantime waits in a queue
// without a bound: whoever adds must not block, as with an errgroup or a
// semaphore, and the broker's prefetch bounds what can come.
//
// Goroutines start one after the other, each when the one before it has begun to
// work, and go on while items wait. So quick work is done by few of them, and
// work that blocks gets as many as it can use.
type pool[T any] struct {
	limit int
	work  func(T)

	mu       sync.Mutex
	running  int
	starting bool // one of the running has not taken its first item yet
	waiting  []T
}

func newPool[T any](limit int, work func(T)) *pool[T] {
	return &pool[T]{limit: limit, work: work}
}

// add has the item worked on now or when other work has ended. It does not
// block.
func (p *pool[T]) add(item T) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.waiting = append(p.waiting, item)
	p.start()
}

// start has one more goroutine work if that may help. p.mu is held.
func (p *pool[T]) start() {
	if !p.starting && p.running < p.limit && len(p.waiting) > 0 {
		p.starting = true
		p.running++
		go p.run()
	}
}

// run works until nothing waits.
func (p *pool[T]) run() {
	p.mu.Lock()
	p.starting = false
	p.mu.Unlock()
	working := false
	defer func() {
		if working { // the work has ended its goroutine
			go p.run()
		}
	}()
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

// next takes the oldest waiting item, or gives the goroutine's place up.
func (p *pool[T]) next() (item T, more bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.waiting) == 0 {
		p.running--
		return item, false
	}
	var none T
	item, p.waiting[0] = p.waiting[0], none // let go of it
	p.waiting = p.waiting[1:]
	p.start()
	return item, true
}

func (p *pool[T]) load() (running, waiting int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.running, len(p.waiting)
}
