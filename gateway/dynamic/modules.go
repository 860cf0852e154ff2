package dynamic

import "sync"

// modules counts the APIs of each module. The zero value is ready.
type modules struct {
	mu    sync.Mutex
	count map[string]int
}

func (m *modules) add(module string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.count == nil {
		m.count = make(map[string]int)
	}
	m.count[module]++
}

func (m *modules) remove(module string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.count[module]--; m.count[module] <= 0 {
		delete(m.count, module)
	}
}

func (m *modules) has(module string) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.count[module] > 0
}
