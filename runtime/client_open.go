package runtime

import (
	"bufio"
	"crypto/rand"
	"encoding/binary"
	"sync"
	"sync/atomic"
	"time"

	"google.golang.org/grpc/codes"

	"github.com/mqrpc/mqrpc/internal/batch"
	"github.com/mqrpc/mqrpc/wire"
)

// openCall is a call whose caller waits for its outcome. It is used again for
// later calls once nobody holds it: neither its caller nor a batch.
type openCall struct {
	id       uint64
	method   *Method
	to       *batch.Gatherer[destination, *openCall]
	metadata Metadata
	deadline time.Time
	bytes    int // the most that it adds to a message

	// done gets a token when the outcome is there. It has room for it: whoever
	// takes the call out of openCalls puts it.
	done    chan struct{}
	outcome outcome
	expiry  expiry
	holders atomic.Int32
	// encoded is memory for payloads.
	encoded []byte

	mu      sync.Mutex // protects what follows, and the expiry
	payload []byte
	// left is set when the caller has left: the payload is the caller's again,
	// and the call need not be sent.
	left bool
	// published is set when the call has been given to the transport.
	published bool
	// sent is set when the call has left the transport. It may have been lost
	// since, if the connection or the broker was.
	sent bool
	// refusals counts the messages with the call that the broker has refused.
	refusals int
}

// outcome is what becomes of a call: a reply or an error.
type outcome struct {
	instance string
	reply    wire.Reply
	err      *Error
}

// finish tells the caller the outcome. Only who has taken the call out of
// openCalls may, and must not touch it afterwards.
func (o *openCall) finish(result outcome) {
	o.outcome = result
	o.done <- struct{}{}
}

// leave gives the payload back to the caller. A call that was not published by
// then never is.
func (o *openCall) leave() (published bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.left, o.payload = true, nil
	o.expiry.waits = false
	return o.published
}

// appendTo appends the call to the body of a message, unless its caller has
// left or its time is over.
func (o *openCall) appendTo(body []byte, now time.Time) (_ []byte, sent bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	remaining := o.deadline.Sub(now)
	if o.left || remaining <= 0 {
		return body, false
	}
	o.published = true
	return wire.AppendCall(body, &wire.Call{
		ID: o.id, Method: o.method.Name, Payload: o.payload, Timeout: remaining, Metadata: o.metadata,
	}), true
}

func (o *openCall) markSent() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.sent = true
}

// markRefused notes that the broker has refused the call, which it may have
// delivered all the same, and returns how often it had done so before.
func (o *openCall) markRefused() (before int) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.sent = true
	o.refusals++
	return o.refusals - 1
}

func (o *openCall) wasSent() bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.sent
}

// openCalls holds the calls without an outcome, by id.
type openCalls struct {
	limit int

	mu     sync.Mutex
	calls  map[uint64]*openCall
	random *bufio.Reader // where ids come from
	closed bool
	empty  chan struct{} // closed when closed is set and no call is left
}

func newOpenCalls(limit int) *openCalls {
	return &openCalls{
		limit: limit, calls: map[uint64]*openCall{}, empty: make(chan struct{}),
		random: bufio.NewReaderSize(rand.Reader, 1024),
	}
}

// add gives the call its id and opens it. It fails when too many are open, and
// once the client is closed.
func (o *openCalls) add(call *openCall) *Error {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.closed {
		return errClientClosed
	}
	if len(o.calls) >= o.limit {
		return Errorf(codes.ResourceExhausted, "the client waits for the replies to %d calls and takes no more", o.limit)
	}
	call.id = o.newID()
	o.calls[call.id] = call
	return nil
}

// newID returns an id that no open call has and nobody can guess: who knows it
// could answer the call. The caller holds the lock.
func (o *openCalls) newID() uint64 {
	for {
		bytes, _ := o.random.Peek(8) // crypto/rand never fails
		id := binary.LittleEndian.Uint64(bytes)
		_, _ = o.random.Discard(8)
		if _, taken := o.calls[id]; id != 0 && !taken {
			return id
		}
	}
}

// removeFor takes a call out that was made to that API, nil if none is open.
func (o *openCalls) removeFor(id uint64, api *answering) *openCall {
	o.mu.Lock()
	defer o.mu.Unlock()
	call := o.calls[id]
	if call == nil || !api.is(call.method) {
		return nil
	}
	delete(o.calls, id)
	o.signalEmpty()
	return call
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

// finish gives a call its outcome, if it is still open.
func (o *openCalls) finish(id uint64, result outcome) {
	if call := o.remove(id); call != nil {
		call.finish(result)
	}
}

// repeatable lists the open calls that may be sent again, and holds them.
func (o *openCalls) repeatable() []*openCall {
	o.mu.Lock()
	defer o.mu.Unlock()
	var calls []*openCall
	for _, call := range o.calls {
		if call.method.Idempotency.Repeatable() && call.wasSent() {
			call.holders.Add(1)
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
		call.finish(outcome{err: err})
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
