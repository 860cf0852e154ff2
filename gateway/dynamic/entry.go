package dynamic

import (
	"sync"
	"sync/atomic"
	"time"

	"github.com/mqrpc/mqrpc/contract"
	"github.com/mqrpc/mqrpc/gateway"
	mqrpcv1 "github.com/mqrpc/mqrpc/proto/mqrpc/v1"
)

// Origin says where the state of an API came from.
type Origin string

// The origins.
const (
	FromStatic   Origin = "static"   // compiled in
	FromRegistry Origin = "registry" // the registry's store, or an announced change
	FromWorker   Origin = "worker"   // a worker's own description
	FromSnapshot Origin = "snapshot" // the snapshot on disk
)

// entry is one API in the table: its state in effect and when it was used.
type entry struct {
	key    contract.Key
	static *gateway.API // as compiled in; nil for all others
	calls  gateway.Calls
	used   atomic.Int64 // Unix time in nanoseconds, to the second
	state  atomic.Pointer[state]

	mu sync.Mutex // held while the state is replaced
}

// state is one state of an API. It is immutable.
type state struct {
	api      *gateway.API // nil: deleted
	origin   Origin
	revision string
	sequence int64 // 0: the registry does not hold it
	problems []string
	since    time.Time
}

func newEntry(key contract.Key) *entry {
	e := &entry{key: key}
	e.used.Store(time.Now().UnixNano())
	return e
}

// use returns the state in effect and notes that it is used. To the second will
// do: a word that every call writes would be a bottleneck.
func (e *entry) use() *state {
	now := time.Now().UnixNano()
	if now-e.used.Load() > int64(time.Second) {
		e.used.Store(now)
	}
	return e.state.Load()
}

func (e *entry) lastUsed() time.Time { return time.Unix(0, e.used.Load()) }

// fromWorkers reports whether workers, not the registry, say what the API is.
func (e *entry) fromWorkers() bool {
	now := e.state.Load()
	return e.static == nil && now != nil && now.api != nil && now.sequence == 0
}

func newState(api *mqrpcv1.Api, origin Origin) *state {
	return &state{
		origin:   origin,
		revision: api.GetRevision(),
		sequence: api.GetSequence(),
		since:    time.Now(),
	}
}
