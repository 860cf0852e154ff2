package catalog

import (
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/mqrpc/mqrpc/contract"
	mqrpcv1 "github.com/mqrpc/mqrpc/proto/mqrpc/v1"
	"github.com/mqrpc/mqrpc/registry"
)

// Origin says where the contract in effect comes from.
type Origin string

// The origins.
const (
	FromStatic   Origin = "static"   // compiled in
	FromRegistry Origin = "registry" // the registry's store
	FromWorker   Origin = "worker"   // a worker's own description
	FromSnapshot Origin = "snapshot" // the snapshot on disk
)

// entry is all that is known of one API. What it goes through is written down
// in the package's doc.
type entry struct {
	key    contract.Key
	static *API // as compiled in; nil for all others
	calls  Calls
	used   atomic.Int64          // when it was called last: Unix time in nanoseconds, to the second
	now    atomic.Pointer[state] // in effect; nil: nothing is

	mu        sync.Mutex // guards all below
	gone      bool       // no longer in the table
	working   bool       // a goroutine works for it
	todo      task       // what that is to do next
	leaveAt   time.Time  // leaving is in order unless it was called since
	lookup    *lookup    // what callers wait for; nil: nothing
	news      bool       // something was heard of it since the lookup began
	absent    absence    // why the last lookup was in vain
	followed  bool       // it was looked up, and changes are heard of from then on
	registry  registered
	instances map[string]instance
	described described
	loaded    bool // counted so in the table
	known     bool // likewise

	contracts contracts // of the goroutine that works for it alone
}

// absence is why an API is not there, and how long that is remembered.
type absence struct {
	err   error
	until time.Time
}

// registered is what the registry is known to hold of an API. The zero value is
// nothing.
type registered struct {
	origin   Origin        // FromRegistry or FromSnapshot; "": neither has said anything
	answered bool          // the registry itself has answered since the lookup
	head     registry.Head // zero: it has none
	pinned   bool
	policy   *mqrpcv1.Policy
	rejected registry.Head // of the last state that could not be used
	recheck  time.Time     // when the store is to be asked once more; zero: no more
	cue      cue
}

// cue is an announced state that the store was not yet seen to hold.
type cue struct {
	api   *mqrpcv1.Api // nil: there is none
	head  registry.Head
	since time.Time
	saved bool // the store holds it: it is to come into effect
}

// described is a revision that a worker has described before any instance
// claimed it. It counts as an instance's for a while.
type described struct {
	revision string
	until    time.Time
}

// state is what is in effect for an API. It is immutable.
type state struct {
	api          *API
	origin       Origin
	revision     string
	registry     registry.Head // what the registry holds; zero: nothing
	pinned       bool
	disagreement Disagreement
	refused      map[string]string   // the revisions of instances that break this one, and why
	unread       map[string]string   // those whose contracts are not known, and why
	missing      map[string][]string // the services that instances do not serve, by their names
	problems     []string            // the parts of the policy that are left out
	since        time.Time
}

func newEntry(key contract.Key) *entry {
	e := &entry{key: key, instances: make(map[string]instance)}
	e.used.Store(time.Now().UnixNano())
	return e
}

// use returns what is in effect and notes that it is used. To the second will
// do: a word that every call writes would be a bottleneck.
func (e *entry) use() *state {
	now := time.Now().UnixNano()
	if now-e.used.Load() > int64(time.Second) {
		e.used.Store(now)
	}
	return e.now.Load()
}

func (e *entry) lastUsed() time.Time { return time.Unix(0, e.used.Load()) }

// running are the different revisions of the instances, in order. The entry's
// mutex is held.
func (e *entry) running() []string {
	var revisions []string
	for _, known := range e.instances {
		if known.Revision != "" {
			revisions = append(revisions, known.Revision)
		}
	}
	if time.Now().Before(e.described.until) {
		revisions = append(revisions, e.described.revision)
	}
	slices.Sort(revisions)
	return slices.Compact(revisions)
}

// served is what the instances say that they serve, by their names. The entry's
// mutex is held.
func (e *entry) served() map[string]claimed {
	served := make(map[string]claimed)
	for name, known := range e.instances {
		if known.Services != nil {
			served[name] = claimed{revision: known.Revision, services: known.Services}
		}
	}
	return served
}

// reconsider takes the news that somebody has said something of the API: what
// is remembered of it may not be true any more. The entry's mutex is held.
func (e *entry) reconsider() {
	e.news = true
	e.absent = absence{}
}
