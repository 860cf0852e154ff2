package runtime

import "sync"

// pool runs functions on a bounded number of goroutines, in the order in which
// they came. It holds no goroutine while there is nothing to do.
type pool struct {
	limit int

	mu      sync.Mutex
	running int
	waiting []func()
	head    int // of waiting
}

func newPool(limit int) *pool { return &pool{limit: limit} }

// run runs the function now or when another one has ended. It does not block.
func (p *pool) run(f func()) {
	p.mu.Lock()
	if p.running == p.limit {
		p.waiting = append(p.waiting, f)
		p.mu.Unlock()
		return
	}
	p.running++
	p.mu.Unlock()
	go p.work(f)
}

// work runs f and what has been waiting meanwhile.
func (p *pool) work(f func()) {
	defer func() {
		if f != nil { // the handler has ended its goroutine
			if next := p.next(); next != nil {
				go p.work(next)
			}
		}
	}()
	for f != nil {
		f()
		f = p.next()
	}
}

// next takes the oldest waiting function, or gives the goroutine's place up.
func (p *pool) next() func() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.head == len(p.waiting) {
		p.waiting, p.head = p.waiting[:0], 0
		p.running--
		return nil
	}
	f := p.waiting[p.head]
	p.waiting[p.head] = nil
	p.head++
	return f
}

func (p *pool) load() (running, waiting int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.running, len(p.waiting) - p.head
}
