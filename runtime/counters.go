package runtime

import (
	"sync"
	"sync/atomic"
	"time"
)

// ClientStats counts what a client has done since it was made.
type ClientStats struct {
	// Calls were sent in Messages; Resent of them more than once.
	Calls, Messages, Resent int64
	// Replies arrived in time. Late ones came after their caller had left, or
	// were the second reply to a call.
	Replies, Late int64
	// Abandoned calls ended with their deadline or were cancelled.
	Abandoned int64
	// Malformed messages were dropped.
	Malformed int64
	// Open calls wait for their reply now.
	Open int
}

type clientCounters struct {
	calls, messages, resent, replies, late, abandoned, malformed atomic.Int64
}

// Stats returns the client's counters. They are read one after the other while
// calls go on.
func (c *Client) Stats() ClientStats {
	return ClientStats{
		Calls:     c.counters.calls.Load(),
		Messages:  c.counters.messages.Load(),
		Resent:    c.counters.resent.Load(),
		Replies:   c.counters.replies.Load(),
		Late:      c.counters.late.Load(),
		Abandoned: c.counters.abandoned.Load(),
		Malformed: c.counters.malformed.Load(),
		Open:      c.open.len(),
	}
}

// WorkerStats counts what a worker has done since it was made.
type WorkerStats struct {
	// Calls arrived in Messages.
	Calls, Messages int64
	// Failed calls were answered with an error.
	Failed int64
	// Expired calls were over before their handler could start, and Aborted
	// ones may have run before. Both are among the failed ones.
	Expired, Aborted int64
	// Cancelled calls were not run, since their callers had left.
	Cancelled int64
	// Replies left in ReplyMessages. Undeliverable ones found no reply queue:
	// their client is gone.
	Replies, ReplyMessages, Undeliverable int64
	// Malformed messages were dropped.
	Malformed int64
	// Running calls are in their handlers now, Waiting ones before them.
	Running, Waiting int
}

type workerCounters struct {
	calls, messages, failed, expired, aborted, cancelled, replies, replyMessages, undeliverable, malformed atomic.Int64
}

// throttle lets a complaint pass at most once a second, so that a stranger
// cannot fill the log.
type throttle struct {
	mu         sync.Mutex
	last       time.Time
	suppressed int
}

// do calls complain with the number of complaints left out before it, or leaves
// this one out.
func (t *throttle) do(complain func(leftOut int)) {
	t.mu.Lock()
	now := time.Now()
	if now.Sub(t.last) < time.Second {
		t.suppressed++
		t.mu.Unlock()
		return
	}
	t.last = now
	leftOut := t.suppressed
	t.suppressed = 0
	t.mu.Unlock()
	complain(leftOut)
}
