package dynamic

import (
	"sync"
	"time"

	"github.com/mqrpc/mqrpc/contract"
)

// unknown remembers for a while which lookups were in vain, so many at the most.
type unknown struct {
	limit int

	mu    sync.Mutex
	byKey map[contract.Key]memory
	order []contract.Key // by the time that they came, some of them gone again
}

// memory is one of them.
type memory struct {
	err   error
	until time.Time
}

func newUnknown(limit int) *unknown {
	return &unknown{limit: limit, byKey: make(map[contract.Key]memory)}
}

// get returns why an API is not there, nil if it is not known not to be.
func (u *unknown) get(key contract.Key) error {
	u.mu.Lock()
	defer u.mu.Unlock()
	if found, there := u.byKey[key]; there && time.Now().Before(found.until) {
		return found.err
	}
	return nil
}

// put remembers a name for so long. The oldest makes room for it.
func (u *unknown) put(key contract.Key, err error, last time.Duration) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if _, there := u.byKey[key]; !there {
		u.order = append(u.order, key)
	}
	u.byKey[key] = memory{err: err, until: time.Now().Add(last)}
	for len(u.byKey) > u.limit || len(u.order) > 2*u.limit {
		delete(u.byKey, u.order[0])
		u.order = u.order[1:]
	}
}

// forget drops a name.
func (u *unknown) forget(key contract.Key) {
	u.mu.Lock()
	defer u.mu.Unlock()
	delete(u.byKey, key)
}

// forgetAll drops all names.
func (u *unknown) forgetAll() {
	u.mu.Lock()
	defer u.mu.Unlock()
	clear(u.byKey)
	u.order = nil
}

// sweep drops what is out of date.
func (u *unknown) sweep() {
	u.mu.Lock()
	defer u.mu.Unlock()
	now := time.Now()
	var kept []contract.Key
	for _, key := range u.order {
		found, there := u.byKey[key]
		switch {
		case !there:
		case now.Before(found.until):
			kept = append(kept, key)
		default:
			delete(u.byKey, key)
		}
	}
	u.order = kept
}

// has reports whether a name is remembered.
func (u *unknown) has(key contract.Key) bool { return u.get(key) != nil }

func (u *unknown) len() int {
	u.mu.Lock()
	defer u.mu.Unlock()
	return len(u.byKey)
}
