package runtime

import (
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"google.golang.org/grpc/codes"

	"github.com/mqrpc/mqrpc/contract"
	"github.com/mqrpc/mqrpc/runtime/transport"
	"github.com/mqrpc/mqrpc/wire"
)

// servedAPI is one (module, version) that a worker serves.
type servedAPI struct {
	worker      *Worker
	key         contract.Key
	queue       string
	methods     map[string]*servedMethod // by name
	description *description
	pool        *pool[*job]
	cancelled   cancelledCalls
	consuming   consuming
	answered    atomic.Int64 // calls whose reply the broker has taken
	lastMethod  string       // that was called; for receive, which is called once at a time

	mu        sync.Mutex
	unsettled map[messageKey]*message
}

func newServedAPI(w *Worker, key contract.Key) *servedAPI {
	described := &description{module: key.Module, version: key.Version}
	return &servedAPI{
		worker: w,
		key:    key,
		queue:  wire.WorkerQueue(key.Module, key.Version),
		// The built-in methods are not for interceptors.
		methods:     map[string]*servedMethod{wire.DescribeMethod: newServedMethod(described.handler(), nil)},
		description: described,
		pool:        newPool(w.config.Concurrency, w.run),
		unsettled:   map[messageKey]*message{},
	}
}

// messageKey identifies a message over its deliveries.
type messageKey struct {
	client  string
	firstID uint64
}

// message is a request message until it is acknowledged, which is when the
// broker has taken the replies to all its calls.
type message struct {
	api        *servedAPI
	key        messageKey
	jobs       []job
	trusted    bool // it comes from an account that is believed who calls
	received   time.Time
	unfinished atomic.Int64 // calls without a reply
	unanswered atomic.Int64 // calls whose reply the broker has not taken

	mu     sync.Mutex
	settle transport.Settler
	// again settles its later deliveries. Those before do nothing then, since their
	// connection is gone.
	again []transport.Settler
}

// receive takes one message of the worker queue and hands its calls to the pool.
func (a *servedAPI) receive(delivery *transport.Delivery) {
	calls, err := decodeCalls(delivery, a.lastMethod)
	if err != nil {
		a.drop(delivery, err)
		return
	}
	a.lastMethod = calls[len(calls)-1].Method
	a.take(delivery, calls, a.pool.add)
}

// receiveBuiltin takes a message that was sent to this instance alone. Its calls
// run at once: waiting for a handler, they would keep the instance from hearing
// that callers have left, which is what may free one.
func (a *servedAPI) receiveBuiltin(delivery *transport.Delivery) {
	if size := len(delivery.Body); size > wire.MaxTellingBytes {
		a.drop(delivery, fmt.Errorf("it has %d bytes, more than the %d of what is told one instance", size, wire.MaxTellingBytes))
		return
	}
	calls, err := decodeCalls(delivery, "")
	for i := range calls {
		if !strings.HasPrefix(calls[i].Method, wire.BuiltinPrefix) {
			err = fmt.Errorf("the method %s is not a built-in one, and only those are called at one instance", calls[i].Method)
		}
	}
	if err != nil {
		a.drop(delivery, err)
		return
	}
	a.take(delivery, calls, a.worker.run)
}

func decodeCalls(delivery *transport.Delivery, likely string) ([]wire.ReceivedCall, error) {
	if delivery.Type != wire.TypeCall {
		return nil, errors.New("its type is not " + wire.TypeCall)
	}
	if err := wire.CheckWord(delivery.ReplyTo); err != nil {
		return nil, fmt.Errorf("its reply-to is no client's name: %w", err)
	}
	return wire.ReceiveCalls(delivery.Body, likely)
}

// take begins with the calls of a message. run is given those that are to run.
func (a *servedAPI) take(delivery *transport.Delivery, calls []wire.ReceivedCall, run func(*job)) {
	m, known := a.keep(delivery, calls)
	if known {
		return // it still runs here; the run under way answers it
	}
	a.worker.counters.messages.Add(1)
	a.worker.counters.calls.Add(int64(len(calls)))
	for i := range m.jobs {
		a.begin(&m.jobs[i], delivery.Redelivered, run)
	}
}

func (a *servedAPI) drop(delivery *transport.Delivery, err error) {
	a.worker.counters.malformed.Add(1)
	a.worker.complaints.do(func(more int) {
		a.worker.log.Warn("a malformed message in a worker queue was dropped",
			slog.Any("error", err), slog.String("queue", a.queue), slog.Int("alike", more))
	})
	delivery.Settle.Ack()
}

// keep remembers a message until it is settled. One that is known has been
// delivered again because the connection broke: its later deliveries are settled
// with it. They are two at a time of a message that its client has sent again.
func (a *servedAPI) keep(delivery *transport.Delivery, calls []wire.ReceivedCall) (m *message, known bool) {
	key := messageKey{delivery.ReplyTo, calls[0].ID}
	a.mu.Lock()
	defer a.mu.Unlock()
	if m, known = a.unsettled[key]; known && delivery.Redelivered {
		m.mu.Lock()
		defer m.mu.Unlock()
		m.again = append(m.again, delivery.Settle)
		return m, true
	}
	m = &message{
		api: a, key: key, received: delivery.Received, settle: delivery.Settle,
		jobs: make([]job, len(calls)), trusted: a.worker.trusts(delivery.UserID),
	}
	for i := range calls {
		m.jobs[i].message, m.jobs[i].call = m, &calls[i]
	}
	m.unfinished.Store(int64(len(calls)))
	m.unanswered.Store(int64(len(calls)))
	a.unsettled[key] = m
	a.worker.busy.add()
	return m, false
}

// done notes that one of the calls is over, and acknowledges the message after
// the last.
func (m *message) done() {
	if m.unanswered.Add(-1) > 0 {
		return
	}
	m.api.mu.Lock()
	if m.api.unsettled[m.key] == m {
		delete(m.api.unsettled, m.key)
	}
	m.api.mu.Unlock()
	m.api.cancelled.forget(m)
	m.mu.Lock()
	m.settle.Ack()
	for _, later := range m.again {
		later.Ack()
	}
	m.mu.Unlock()
	m.api.worker.busy.done()
}

// open lists the messages that are not acknowledged.
func (a *servedAPI) open() []*message {
	a.mu.Lock()
	defer a.mu.Unlock()
	return slices.Collect(maps.Values(a.unsettled))
}

// begin has a call run, or answers it at once where it must not run.
// The order of the checks is that of PROTOCOL.md section 5.
func (a *servedAPI) begin(j *job, redelivered bool, run func(*job)) {
	j.method = a.methods[j.call.Method]
	switch {
	case redelivered && (j.method == nil || !j.method.handler.method.Idempotency.Repeatable()):
		// An instance that knows the method may have run it.
		a.worker.counters.aborted.Add(1)
		a.worker.refuse(j, Errorf(codes.Aborted,
			"%s/%s may have run already: a worker died or lost its connection during the call, and it is not known that the method may run twice",
			a.key, j.call.Method))
	case j.method == nil:
		a.worker.refuse(j, Errorf(codes.Unimplemented, "this worker's %s has no method %q", a.queue, j.call.Method))
	case a.cancelled.arrived(j):
		a.worker.skip(j)
	default:
		j.redelivered = redelivered
		run(j)
	}
}
