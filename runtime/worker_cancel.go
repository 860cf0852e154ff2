package runtime

import (
	"sync"
	"sync/atomic"
	"time"

	mqrpcv1 "github.com/mqrpc/mqrpc/proto/mqrpc/v1"
	"github.com/mqrpc/mqrpc/wire"
)

// cancelledCalls is what an instance knows of the calls of one API whose callers
// have left: those that it has, and those that may still come. The zero value is
// ready.
//
// Calls that end normally pay nothing for it: digests are made from the first
// Cancel until the calls that it names would have ended anyway.
type cancelledCalls struct {
	active atomic.Bool // digests are made

	mu    sync.Mutex
	until time.Time            // when no cancelled call waits any more
	here  map[uint64]*job      // calls of messages that are not acknowledged
	away  map[uint64]time.Time // cancelled calls that are not here, and when they end
	order []uint64             // the digests of away, the oldest first
}

const (
	// maxAway bounds the cancelled calls that are remembered.
	maxAway = 65_536
	// maxCancelled bounds the time for which a cancelled call is remembered.
	maxCancelled = 10 * time.Minute
	// leastActive bounds how often strangers can have all open calls looked through.
	leastActive = time.Second
)

// cancel ends the contexts of the calls that are named, and remembers the others.
// messages lists what is here.
func (c *cancelledCalls) cancel(named *mqrpcv1.Cancel, messages func() []*message) {
	now := time.Now()
	left := min(time.Duration(min(named.GetTimeoutUs(), uint64(maxCancelled.Microseconds())))*time.Microsecond, maxCancelled) //nolint:gosec // bounded
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.active.Swap(true) {
		c.here, c.away, c.order = map[uint64]*job{}, map[uint64]time.Time{}, nil
		for _, m := range messages() {
			c.index(m)
		}
	}
	end := now.Add(left)
	if active := now.Add(max(left, leastActive)); active.After(c.until) {
		c.until = active
	}
	for _, digest := range named.GetDigests() {
		if j := c.here[digest]; j != nil {
			j.ctx.leave()
			continue
		}
		c.remember(digest, end)
	}
}

// remember keeps a digest, in the place of the oldest where there are too many.
// The caller holds the lock.
func (c *cancelledCalls) remember(digest uint64, end time.Time) {
	if _, known := c.away[digest]; !known {
		if len(c.order) == maxAway {
			delete(c.away, c.order[0])
			c.order = c.order[1:]
		}
		c.order = append(c.order, digest)
	}
	c.away[digest] = end
}

// arrived reports whether a call that has come was cancelled before.
func (c *cancelledCalls) arrived(j *job) bool {
	if !c.active.Load() {
		return false
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	now := time.Now()
	if !c.active.Load() || now.After(c.until) {
		c.active.Store(false)
		c.here, c.away, c.order = nil, nil, nil
		return false
	}
	digest := wire.Digest(j.message.key.client, j.call.ID)
	c.here[digest] = j
	end, cancelled := c.away[digest]
	return cancelled && now.Before(end)
}

// index notes the calls of a message as here. The caller holds the lock.
func (c *cancelledCalls) index(m *message) {
	for i := range m.jobs {
		c.here[wire.Digest(m.key.client, m.jobs[i].call.ID)] = &m.jobs[i]
	}
}

// forget drops the calls of a message that is over. It is called after the
// message has left those that are open.
func (c *cancelledCalls) forget(m *message) {
	if !c.active.Load() {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for i := range m.jobs {
		digest := wire.Digest(m.key.client, m.jobs[i].call.ID)
		if c.here[digest] == &m.jobs[i] { // not another message's, which the client has sent again
			delete(c.here, digest)
		}
	}
}
