package dynamic

import (
	"hash/maphash"
	"iter"
	"sync"
	"sync/atomic"

	"github.com/mqrpc/mqrpc/contract"
)

// shards is the number of parts of a table. With 100,000 APIs a part has about
// 25, so that adding one copies next to nothing.
const shards = 4096

// table finds entries by their key. Reading takes no lock: each part is an
// immutable map behind an atomic pointer, replaced whole, so that finding an
// entry costs the same whether there is one or a hundred thousand.
type table struct {
	seed    maphash.Seed
	parts   [shards]atomic.Pointer[map[contract.Key]*entry]
	count   atomic.Int64
	writing sync.Mutex // held while a part is replaced
}

func newTable() *table { return &table{seed: maphash.MakeSeed()} }

func (t *table) part(key contract.Key) *atomic.Pointer[map[contract.Key]*entry] {
	hash := maphash.String(t.seed, key.Module)
	return &t.parts[(hash*31+maphash.String(t.seed, key.Version))%shards]
}

// get returns an entry, nil if there is none.
func (t *table) get(key contract.Key) *entry {
	part := t.part(key).Load()
	if part == nil {
		return nil
	}
	return (*part)[key]
}

// put adds an entry, or replaces the one with its key.
func (t *table) put(e *entry) {
	t.writing.Lock()
	defer t.writing.Unlock()
	part := t.part(e.key)
	next := map[contract.Key]*entry{e.key: e}
	if old := part.Load(); old != nil {
		for key, other := range *old {
			if key != e.key {
				next[key] = other
			}
		}
		t.count.Add(-int64(len(*old)))
	}
	t.count.Add(int64(len(next)))
	part.Store(&next)
}

// remove takes an entry out, and reports whether it was there.
func (t *table) remove(e *entry) bool {
	t.writing.Lock()
	defer t.writing.Unlock()
	part := t.part(e.key)
	old := part.Load()
	if old == nil || (*old)[e.key] != e {
		return false
	}
	t.count.Add(-1)
	if len(*old) == 1 {
		part.Store(nil)
		return true
	}
	next := make(map[contract.Key]*entry, len(*old)-1)
	for key, other := range *old {
		if key != e.key {
			next[key] = other
		}
	}
	part.Store(&next)
	return true
}

// len is the number of entries.
func (t *table) len() int { return int(t.count.Load()) }

// all goes through the entries, in any order. Those that come or go meanwhile
// may be left out or not.
func (t *table) all() iter.Seq[*entry] {
	return func(yield func(*entry) bool) {
		for i := range t.parts {
			part := t.parts[i].Load()
			if part == nil {
				continue
			}
			for _, e := range *part {
				if !yield(e) {
					return
				}
			}
		}
	}
}
