package catalog

import (
	"iter"
	"sync"
	"sync/atomic"

	"github.com/mqrpc/mqrpc/contract"
)

// table is the one table of APIs. Finding an entry takes no lock.
type table struct {
	entries sync.Map     // contract.Key to *entry
	loaded  atomic.Int64 // the entries with a contract in effect

	mu        sync.Mutex
	modules   map[string]int // the number of APIs of each that are loaded or announced
	instances int            // of all entries together
	crowds    map[string]int // the number of instances of each module
}

func newTable() *table { return &table{modules: make(map[string]int), crowds: make(map[string]int)} }

// moduleShare is which part of all instances one module may have: who claims
// instances that are not there takes no other module's place.
const moduleShare = 4

// hasRoom reports whether a module may have another instance.
func (t *table) hasRoom(module string, limit int) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.room(module, limit)
}

// room is hasRoom with the mutex held.
func (t *table) room(module string, limit int) bool {
	return t.instances < limit && t.crowds[module] < max(limit/moduleShare, 1)
}

// enter counts another instance of a module, if there is room for it.
func (t *table) enter(module string, limit int) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if !t.room(module, limit) {
		return false
	}
	t.instances++
	t.crowds[module]++
	return true
}

// left counts instances of a module out.
func (t *table) left(module string, count int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.instances -= count
	if t.crowds[module] -= count; t.crowds[module] == 0 {
		delete(t.crowds, module)
	}
}

// get returns an entry, nil if there is none.
func (t *table) get(key contract.Key) *entry {
	found, _ := t.entries.Load(key)
	e, _ := found.(*entry)
	return e
}

// lock returns the entry of a key with its mutex held, a new one if there is
// none.
func (t *table) lock(key contract.Key) *entry {
	for {
		e := t.get(key)
		if e == nil {
			found, _ := t.entries.LoadOrStore(key, newEntry(key))
			e = found.(*entry) //nolint:forcetypeassert // The map holds nothing else.
		}
		e.mu.Lock()
		if !e.gone {
			return e
		}
		e.mu.Unlock()
	}
}

// remove takes an entry out. Its mutex is held.
func (t *table) remove(e *entry) {
	e.gone = true
	t.entries.CompareAndDelete(e.key, e)
}

// all goes through the entries, in any order. Those that come or go meanwhile
// may be left out or not.
func (t *table) all() iter.Seq[*entry] {
	return func(yield func(*entry) bool) {
		t.entries.Range(func(_, e any) bool { return yield(e.(*entry)) }) //nolint:forcetypeassert // It holds nothing else.
	}
}

// count keeps the counters up to date after an entry has changed. Its mutex is
// held.
func (t *table) count(e *entry) {
	if loaded := e.now.Load() != nil; loaded != e.loaded {
		e.loaded = loaded
		t.loaded.Add(change(loaded))
	}
	known := e.loaded || len(e.instances) > 0
	if known == e.known {
		return
	}
	e.known = known
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.modules[e.key.Module] += int(change(known)); t.modules[e.key.Module] == 0 {
		delete(t.modules, e.key.Module)
	}
}

func change(more bool) int64 {
	if more {
		return 1
	}
	return -1
}

// knowsModule reports whether some version of the module is loaded or announced.
func (t *table) knowsModule(module string) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.modules[module] > 0
}
