package memory

import (
	"slices"
	"sync"
	"time"

	"github.com/mqrpc/mqrpc/runtime"
)

// retryDelay is the time between attempts to connect that fail.
const retryDelay = 100 * time.Millisecond

// Cut breaks the connection, as a failing network does: unsettled messages
// return to their queues. The connection comes back by itself after
// [Config.ReconnectDelay], if the broker runs.
func (t *Transport) Cut() { t.Sever()() }

// Sever breaks the connection as Cut does, and keeps it broken until restore is
// called. Calling restore again does nothing.
func (t *Transport) Sever() (restore func()) {
	t.mu.Lock()
	t.severed++
	t.mu.Unlock()
	t.drop(errCut)
	return sync.OnceFunc(func() {
		t.mu.Lock()
		t.severed--
		t.mu.Unlock()
		t.reconnectSoon()
	})
}

// drop ends the connection, if there is one, because of err.
func (t *Transport) drop(err error) {
	t.mu.Lock()
	if !t.state.Connected {
		t.mu.Unlock()
		return
	}
	t.disconnect()
	t.setState(runtime.State{Connects: t.state.Connects, Err: err})
	t.mu.Unlock()
	t.tellWatchers()
}

// disconnect takes the consumers off their queues, all before the first message
// returns, so that none goes to another consumer of this connection.
// t.mu is held.
func (t *Transport) disconnect() {
	for _, c := range t.consumers {
		c.subscription.withdraw()
	}
	for _, c := range t.consumers {
		c.subscription.returnAll()
	}
	for _, c := range t.lingering {
		c.subscription.returnAll()
	}
	for _, c := range slices.Concat(t.consumers, t.lingering) {
		if c.queue.Exclusive {
			t.broker.removeExclusive(c.queue.Name, t)
		}
	}
	if !t.closed {
		t.lingering = nil
	}
}

func (t *Transport) reconnectSoon() {
	time.AfterFunc(t.broker.config.ReconnectDelay, t.connect)
}

// connect makes a connection, with all that was consumed before, if there is
// none and there may be one. It tries again later if a queue has meanwhile been
// declared with other arguments.
func (t *Transport) connect() {
	t.mu.Lock()
	if t.closed || t.severed > 0 || t.state.Connected || !t.broker.running.Load() {
		t.mu.Unlock()
		return
	}
	if err := t.subscribeAll(); err != nil {
		t.connectFailed(err)
		t.mu.Unlock()
		t.tellWatchers()
		time.AfterFunc(retryDelay, t.connect)
		return
	}
	t.setState(runtime.State{
		Connected: true,
		Blocked:   t.broker.blocked.Load(),
		Connects:  t.state.Connects + 1,
	})
	results := t.flush()
	t.mu.Unlock()
	t.tellWatchers()
	t.report(results)
}

// connectFailed notes why there is still no connection. t.mu is held.
func (t *Transport) connectFailed(err error) {
	if t.state.Err == nil || t.state.Err.Error() != err.Error() {
		since := t.state.Since // the outage goes on
		t.setState(runtime.State{Since: since, Connects: t.state.Connects, Err: err})
	}
}

// subscribeAll subscribes every consumer anew, or none if one fails.
// t.mu is held.
func (t *Transport) subscribeAll() error {
	for i, c := range t.consumers {
		if err := c.subscribe(); err != nil {
			for _, subscribed := range t.consumers[:i] {
				subscribed.subscription.withdraw()
			}
			for _, subscribed := range t.consumers[:i] {
				subscribed.subscription.returnAll()
			}
			return err
		}
	}
	return nil
}

// setBlocked follows the broker's blocking of publishers.
func (t *Transport) setBlocked(blocked bool) {
	t.mu.Lock()
	if !t.state.Connected || t.state.Blocked == blocked {
		t.mu.Unlock()
		return
	}
	t.setState(runtime.State{Connected: true, Blocked: blocked, Connects: t.state.Connects})
	results := t.flush()
	t.mu.Unlock()
	t.tellWatchers()
	t.report(results)
}
