package registry

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/singleflight"

	"github.com/mqrpc/mqrpc/contract"
	mqrpcv1 "github.com/mqrpc/mqrpc/proto/mqrpc/v1"
)

// FollowerConfig says what a [Follower] follows and how.
type FollowerConfig struct {
	// Store holds the APIs. Required. The follower does not close it.
	Store Store
	// Notifier brings the news. Nil: the poll alone does. The follower does not
	// close it.
	Notifier Notifier
	// Apply takes every state that comes into effect. Required.
	//
	// For one API it is called once at a time, with each state newer than the
	// one before, except where the store has taken something back. A tombstone
	// says that the API is gone. It must not change the API, nor call the
	// follower. If it fails, the state before stays in effect, and the
	// follower waits for another one.
	Apply func(api *mqrpcv1.Api) error
	// PollInterval is the time between two comparisons with the store, of which
	// each takes up to a tenth more. Default 10 minutes.
	PollInterval time.Duration
	// ConfirmAfter is how long an announced state may take to be saved. Then,
	// or up to a tenth later, it is compared with the store, which wins. So is
	// every state that was loaded: a change may have been announced just before
	// and saved just after. Default 30 seconds.
	ConfirmAfter time.Duration
	// QueryTimeout bounds every query of the store. Default 5 seconds.
	QueryTimeout time.Duration
	// Logger takes what goes wrong. Default: slog.Default().
	Logger *slog.Logger
}

// The defaults of a [FollowerConfig].
const (
	DefaultPollInterval = 10 * time.Minute
	DefaultConfirmAfter = 30 * time.Second
	DefaultQueryTimeout = 5 * time.Second
)

// The back-off of a store that does not answer: from the first, doubled with
// every failure, up to the last, or to the poll interval if that is less.
const (
	firstBackoff = time.Second
	lastBackoff  = time.Minute
)

func (c FollowerConfig) withDefaults() (FollowerConfig, error) {
	if c.Store == nil || c.Apply == nil {
		return c, errors.New("registry: a follower needs a Store and an Apply function")
	}
	if c.PollInterval < 0 || c.ConfirmAfter < 0 || c.QueryTimeout < 0 {
		return c, errors.New("registry: a follower's times must not be negative")
	}
	if c.PollInterval == 0 {
		c.PollInterval = DefaultPollInterval
	}
	if c.ConfirmAfter == 0 {
		c.ConfirmAfter = DefaultConfirmAfter
	}
	if c.QueryTimeout == 0 {
		c.QueryTimeout = DefaultQueryTimeout
	}
	if c.Logger == nil {
		c.Logger = slog.Default()
	}
	return c, nil
}

// Follower keeps a gateway's APIs up to date: it loads an API on first use,
// follows what it has loaded, and passes every new state on. It keeps heads
// only; the states are with whoever applies them.
//
// It is safe for concurrent use. Make it with [NewFollower].
type Follower struct {
	config FollowerConfig
	watch  Watch
	loads  singleflight.Group

	ctx    context.Context
	cancel context.CancelFunc
	work   sync.WaitGroup

	mu      sync.Mutex
	closed  bool
	entries map[contract.Key]*entry
	due     map[contract.Key]bool // to be compared with the store now
	dueAll  bool                  // all of them
	checks  []check               // ... and later, the earliest first
	wake    chan struct{}         // says that one of these is new

	restored chan struct{} // says that the notifier is back after an outage
	health   Health

	tick atomic.Int64 // orders reads of the store and confirmations
}

// entry is one followed API. Its mutex is held while a state is applied.
type entry struct {
	key contract.Key

	mu        sync.Mutex
	gone      bool      // no longer in the follower's map
	head      Head      // of the state in effect; zero: none yet
	rejected  Head      // of the last state that Apply has refused
	confirmed int64     // the tick at which the store was known to hold head; 0: never
	stored    bool      // the store has held some state of the API
	announced time.Time // when an unconfirmed head came; zero: it was not announced
	adopted   bool      // head came by Adopt
	again     bool      // the store is to be asked again after the first load
}

// check is an API that the store is to be asked about at some time.
type check struct {
	key contract.Key
	at  time.Time
}

// Health is how a follower gets on.
type Health struct {
	// Err is why the store could not be asked the last time; nil if it could.
	Err error
	// Since is when Err came up first, or when the store answered first after
	// an error. Zero: the store has not been asked yet.
	Since time.Time
	// Contact is when the store answered last. Zero: never.
	Contact time.Time
	// Followed is the number of APIs that are followed.
	Followed int
	// Unconfirmed is how many of them the store has not been seen to hold.
	Unconfirmed int
	// Loads counts the reads of whole APIs from the store, Polls the queries
	// for heads, and Failures those of both that failed for want of a store.
	Loads, Polls, Failures int64
}

// NewFollower starts a follower. It asks the store nothing until something is
// loaded.
func NewFollower(config FollowerConfig) (*Follower, error) {
	config, err := config.withDefaults()
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(context.Background())
	f := &Follower{
		config:  config,
		ctx:     ctx,
		cancel:  cancel,
		entries: make(map[contract.Key]*entry),
		due:     make(map[contract.Key]bool),
		wake:    make(chan struct{}, 1),

		restored: make(chan struct{}, 1),
	}
	if config.Notifier != nil {
		if f.watch, err = config.Notifier.Watch(f.notify); err != nil {
			cancel()
			return nil, fmt.Errorf("registry: watch: %w", err)
		}
	}
	f.work.Go(f.poll)
	return f, nil
}

// Heads returns the heads of the states in effect, in any order.
func (f *Follower) Heads() []Head {
	var heads []Head
	for _, e := range f.all() {
		if head := e.current(); !head.IsZero() {
			heads = append(heads, head)
		}
	}
	return heads
}

// Health says how the follower gets on.
func (f *Follower) Health() Health {
	f.mu.Lock()
	health := f.health
	f.mu.Unlock()

	for _, e := range f.all() {
		e.mu.Lock()
		if !e.head.IsZero() {
			health.Followed++
			if e.confirmed == 0 {
				health.Unconfirmed++
			}
		}
		e.mu.Unlock()
	}
	return health
}

// Forget ends the following of an API, for example because nobody calls it any
// more. Apply is not called for it again until it is loaded again. It leaves a
// first load that is under way alone.
func (f *Follower) Forget(key contract.Key) {
	e := f.entryOf(key, false)
	if e == nil {
		return
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if !e.head.IsZero() {
		f.remove(e)
	}
}

// Close ends the follower and waits for what it is doing. Apply is not called
// any more once it has returned. Calling it again does nothing.
func (f *Follower) Close() error {
	f.mu.Lock()
	first := !f.closed
	f.closed = true
	f.mu.Unlock()

	f.cancel()
	var err error
	if first && f.watch != nil {
		err = f.watch.Close()
	}
	f.work.Wait()
	return err
}

// entryOf returns the entry of a key, a new one if there is none and create is
// set, else nil.
func (f *Follower) entryOf(key contract.Key, create bool) *entry {
	f.mu.Lock()
	defer f.mu.Unlock()
	e := f.entries[key]
	if e == nil && create && !f.closed {
		e = &entry{key: key}
		f.entries[key] = e
	}
	return e
}

// all returns the entries, in any order.
func (f *Follower) all() []*entry {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Collect(maps.Values(f.entries))
}

// remove takes an entry out of the map, once. The entry's mutex is held.
func (f *Follower) remove(e *entry) {
	if e.gone {
		return
	}
	e.gone = true
	f.mu.Lock()
	delete(f.entries, e.key)
	delete(f.due, e.key)
	f.mu.Unlock()
	if f.watch != nil && f.begin() {
		go f.unfollow(e.key)
	}
}

func (e *entry) current() Head {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.head
}

// asked keeps account of a query of the store.
func (f *Follower) asked(err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	failed := errors.Is(err, ErrUnavailable)
	now := time.Now()
	if f.health.Since.IsZero() || failed != (f.health.Err != nil) {
		f.health.Since = now
	}
	if failed {
		f.health.Failures++
		f.health.Err = err
		return
	}
	f.health.Err = nil
	f.health.Contact = now
}
