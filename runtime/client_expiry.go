package runtime

import (
	"context"
	"time"

	"google.golang.org/grpc/codes"
)

// expiry has a call fail at its deadline. Few calls come to that, so the timer is
// left running when a call is over: it serves the next calls of the same openCall,
// whose deadlines are later, and looks who waits when it fires.
type expiry struct {
	timer *time.Timer
	// armed is when the timer fires; zero: it does not.
	armed time.Time
	// waits is set while a caller waits.
	waits bool
}

// longestArmed bounds the time for which a timer runs on, and so the time for
// which it keeps an openCall that nobody uses in memory.
const longestArmed = time.Second

// startExpiry has the call fail at its deadline.
func (c *Client) startExpiry(call *openCall) {
	call.mu.Lock()
	defer call.mu.Unlock()
	call.expiry.waits = true
	if call.expiry.armed.IsZero() || call.deadline.Before(call.expiry.armed) {
		c.armExpiry(call, time.Now())
	}
}

// armExpiry has the timer fire at the deadline or before.
func (c *Client) armExpiry(call *openCall, now time.Time) {
	remaining := min(call.deadline.Sub(now), longestArmed)
	call.expiry.armed = now.Add(remaining)
	if call.expiry.timer == nil {
		call.expiry.timer = time.AfterFunc(remaining, func() { c.expire(call) })
		return
	}
	call.expiry.timer.Reset(remaining)
}

// expire is called when the timer fires.
func (c *Client) expire(call *openCall) {
	id, overdue := c.overdue(call)
	if !overdue || c.open.remove(id) == nil {
		return // or its outcome came at the same moment
	}
	c.counters.abandoned.Add(1)
	call.finish(outcome{
		err: Errorf(codes.DeadlineExceeded, "no reply to %s in time: %w", call.method, context.DeadlineExceeded),
	})
}

// overdue reports whether the call has reached its deadline, and which it is: it
// may be another one as soon as the lock is released. Else the timer goes on, if
// anybody waits.
func (c *Client) overdue(call *openCall) (id uint64, overdue bool) {
	call.mu.Lock()
	defer call.mu.Unlock()
	call.expiry.armed = time.Time{}
	if !call.expiry.waits {
		return 0, false
	}
	if now := time.Now(); now.Before(call.deadline) {
		c.armExpiry(call, now)
		return 0, false
	}
	return call.id, true
}
