package runtime

import (
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"google.golang.org/grpc/codes"

	"github.com/mqrpc/mqrpc/wire"
)

// servedAPI is one (module, version) that a worker serves.
type servedAPI struct {
	worker      *Worker
	queue       string
	methods     map[string]*servedMethod // by name
	description *description
	pool        *pool[*job]
	consumer    Consumer
	answered    atomic.Int64 // calls
	lastMethod  string       // that was called; for receive, which is called once at a time

	mu        sync.Mutex
	unsettled map[messageKey]*message
}

func newServedAPI(w *Worker, module, version string) *servedAPI {
	described := &description{module: module, version: version}
	return &servedAPI{
		worker: w,
		queue:  wire.WorkerQueue(module, version),
		// The built-in methods are not for interceptors.
		methods:     map[string]*servedMethod{wire.DescribeMethod: newServedMethod(described.handler(), nil)},
		description: described,
		pool:        newPool(w.config.Concurrency, w.run),
		unsettled:   map[messageKey]*message{},
	}
}

// messageKey identifies a message over its deliveries.
type messageKey struct {
	replyTo string
	firstID uint64
}

// message is a request message until it is acknowledged, which is when the
// broker has taken the replies to all its calls.
type message struct {
	api        *servedAPI
	key        messageKey
	received   time.Time
	unfinished atomic.Int64 // calls without a reply
	unanswered atomic.Int64 // calls whose reply the broker has not taken

	mu     sync.Mutex
	settle Settler // of its latest delivery
}

// receive takes one message and hands its calls to the pool.
func (a *servedAPI) receive(delivery *Delivery) {
	calls, err := a.decode(delivery)
	if err != nil {
		a.drop(delivery, err)
		return
	}
	a.lastMethod = calls[len(calls)-1].Method
	m, known := a.keep(delivery, calls)
	if known {
		return // it still runs here; the run under way answers it
	}
	a.worker.counters.messages.Add(1)
	a.worker.counters.calls.Add(int64(len(calls)))
	jobs := make([]job, len(calls))
	for i := range calls {
		jobs[i].message, jobs[i].call = m, &calls[i]
		a.begin(&jobs[i], delivery.Redelivered)
	}
}

func (a *servedAPI) decode(delivery *Delivery) ([]wire.ReceivedCall, error) {
	switch {
	case delivery.Type != wire.TypeCall:
		return nil, errors.New("its type is not " + wire.TypeCall)
	case delivery.ReplyTo == "":
		return nil, errors.New("it names no queue for replies")
	}
	return wire.ReceiveCalls(delivery.Body, a.lastMethod)
}

func (a *servedAPI) drop(delivery *Delivery, err error) {
	a.worker.counters.malformed.Add(1)
	a.worker.complaints.do(func(more int) {
		a.worker.log.Warn("a malformed message in a worker queue was dropped",
			slog.Any("error", err), slog.String("queue", a.queue), slog.Int("alike", more))
	})
	delivery.Settle.Ack()
}

// keep remembers a message until it is settled. One that is known has been
// delivered again because the connection broke: its latest delivery is the one
// to settle.
func (a *servedAPI) keep(delivery *Delivery, calls []wire.ReceivedCall) (m *message, known bool) {
	key := messageKey{delivery.ReplyTo, calls[0].ID}
	a.mu.Lock()
	defer a.mu.Unlock()
	if m, known = a.unsettled[key]; known && delivery.Redelivered {
		m.mu.Lock()
		defer m.mu.Unlock()
		m.settle = delivery.Settle
		return m, true
	}
	m = &message{api: a, key: key, received: delivery.Received, settle: delivery.Settle}
	m.unfinished.Store(int64(len(calls)))
	m.unanswered.Store(int64(len(calls)))
	a.unsettled[key] = m
	a.worker.busy.Add(1)
	return m, false
}

// answered notes that the broker has taken the reply to one of the calls, and
// acknowledges the message after the last.
func (m *message) answered() {
	m.api.answered.Add(1)
	if m.unanswered.Add(-1) > 0 {
		return
	}
	m.api.mu.Lock()
	if m.api.unsettled[m.key] == m {
		delete(m.api.unsettled, m.key)
	}
	m.api.mu.Unlock()
	m.mu.Lock()
	m.settle.Ack()
	m.mu.Unlock()
	m.api.worker.busy.Done()
}

// begin gives a call to the pool, or answers it at once where it must not run.
func (a *servedAPI) begin(j *job, redelivered bool) {
	j.method = a.methods[j.call.Method]
	switch {
	case j.method == nil:
		a.worker.refuse(j, Errorf(codes.Unimplemented, "this worker's %s has no method %q", a.queue, j.call.Method))
	case redelivered && !j.method.handler.method.Idempotency.Repeatable():
		a.worker.counters.aborted.Add(1)
		a.worker.refuse(j, Errorf(codes.Aborted,
			"%s may have run already: a worker died or lost its connection during the call, and the method may not run twice", j.method.handler.method))
	default:
		j.redelivered = redelivered
		a.pool.add(j)
	}
}
