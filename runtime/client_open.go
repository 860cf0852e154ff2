package runtime

import (
	"sync"
	"sync/atomic"
	"time"

	"github.com/mqrpc/mqrpc/wire"
)

// openCall is a call whose caller waits for its outcome.
type openCall struct {
	id       uint64
	method   *Method
	payload  []byte
	metadata Metadata
	deadline time.Time
	// outcome has room for one: whoever takes the call out of openCalls puts it.
	outcome chan outcome
	// abandoned is set when the caller has left: the call need not be sent.
	abandoned atomic.Bool
	// sent is set when the call has left the transport. It may have been lost
	// since, if the connection or the broker was.
	sent atomic.Bool
}

// outcome is what becomes of a call: a reply or an error.
type outcome struct {
	instance string
	reply    wire.Reply
	err      *Error
}

// openCalls holds the calls without an outcome, by id.
type openCalls struct {
	mu     sync.Mutex
	calls  map[uint64]*openCall
	lastID uint64
	closed bool
	empty  chan struct{} // closed when closed is set and no call is left
}

func newOpenCalls() *openCalls {
	return &openCalls{calls: map[uint64]*openCall{}, empty: make(chan struct{})}
}

// add gives the call its id and opens it.
func (o *openCalls) add(call *openCall) (*openCall, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.closed {
		return nil, errClientClosed
	}
	o.lastID++
	call.id = o.lastID
	o.calls[call.id] = call
	return call, nil
}

// remove takes a call out, nil if it is not open any more.
func (o *openCalls) remove(id uint64) *openCall {
	o.mu.Lock()
	defer o.mu.Unlock()
	call := o.calls[id]
	delete(o.calls, id)
	o.signalEmpty()
	return call
}

// finish gives a call its outcome and returns it, nil if it is not open any more.
func (o *openCalls) finish(id uint64, result outcome) *openCall {
	call := o.remove(id)
	if call != nil {
		call.outcome <- result
	}
	return call
}

// repeatable lists the open calls that may be sent again.
func (o *openCalls) repeatable() []*openCall {
	o.mu.Lock()
	defer o.mu.Unlock()
	var calls []*openCall
	for _, call := range o.calls {
		if call.method.Idempotency.Repeatable() && call.sent.Load() {
			calls = append(calls, call)
		}
	}
	return calls
}

func (o *openCalls) len() int {
	o.mu.Lock()
	defer o.mu.Unlock()
	return len(o.calls)
}

// close refuses new calls and returns a channel that is closed when none is
// open.
func (o *openCalls) close() <-chan struct{} {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.closed = true
	o.signalEmpty()
	return o.empty
}

func (o *openCalls) failAll(err *Error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for id, call := range o.calls {
		delete(o.calls, id)
		call.outcome <- outcome{err: err}
	}
	o.signalEmpty()
}

func (o *openCalls) signalEmpty() {
	if !o.closed || len(o.calls) > 0 {
		return
	}
	select {
	case <-o.empty:
	default:
		close(o.empty)
	}
}
