package runtime

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"time"

	"google.golang.org/protobuf/reflect/protoregistry"

	"github.com/mqrpc/mqrpc/contract"
	"github.com/mqrpc/mqrpc/internal/batch"
	"github.com/mqrpc/mqrpc/runtime/transport"
	"github.com/mqrpc/mqrpc/wire"
)

// WorkerConfig configures a [Worker]. The zero value has the defaults.
type WorkerConfig struct {
	// Name begins the instance's name, which ends in a random part: letters,
	// digits and "-". Accounts of a broker can be held to it. Default: the host's
	// name.
	Name string
	// Concurrency bounds the handlers that run at once for each (module,
	// version). Default: 256.
	Concurrency int
	// Prefetch bounds the messages that the broker hands out in advance for
	// each (module, version). With fewer than Concurrency some handlers may
	// stay idle, as a message may hold one call only; with more, calls wait here
	// instead of in the queue, where other instances could take them. Default:
	// Concurrency.
	Prefetch int
	// Quorum serves from quorum queues instead of classic ones. All workers of
	// a (module, version) must agree.
	Quorum bool
	// KeepQueue leaves the queue in place when the last worker stops: calls
	// then wait for the next worker instead of failing at once.
	KeepQueue bool
	// StopTimeout bounds a graceful stop. Default: 30 s.
	StopTimeout time.Duration
	// HeartbeatInterval is the time between two heartbeats, give or take a fifth.
	// An instance counts as gone after three times as long. Default: 30 s.
	// Negative: the worker says nothing of itself unless it is asked.
	HeartbeatInterval time.Duration
	// Gateways are the broker's accounts that are believed who calls (metadata
	// that begins with "mqrpc-") and which contract is in effect. Default: the
	// worker's own account alone.
	Gateways []string
	// MaxPayload bounds a response, encoded, in bytes. Default:
	// [DefaultMaxPayload].
	MaxPayload int
	// Batching bounds how replies gather in messages.
	Batching Batching
	// Interceptors wrap every call; the first is the outermost.
	Interceptors []Interceptor
	// Logger gets starts and stops, panics, and messages that were dropped.
	// Default: slog.Default().
	Logger *slog.Logger
}

const (
	defaultConcurrency = 256
	defaultStopTimeout = 30 * time.Second

	defaultHeartbeatInterval = 30 * time.Second
)

// Worker serves the services that are registered with it, over a transport.
// Register everything, then call [Worker.Run] once.
type Worker struct {
	transport transport.Transport
	config    WorkerConfig
	log       *slog.Logger
	apis      map[string]*servedAPI // by queue
	problems  []error               // of registration, told by Run
	ready     chan struct{}

	instance   string
	presence   *presence
	replies    *batch.Gatherers[replyTarget, *job]
	counters   workerCounters
	complaints throttle

	handlers   context.Context // of all handlers; ends when a stop takes too long
	abort      context.CancelFunc
	busy       tally         // messages that are not settled
	admissions chan struct{} // says that there are some to follow
}

var _ Registrar = (*Worker)(nil)

// NewWorker returns a worker without services.
func NewWorker(conn transport.Transport, config WorkerConfig) *Worker {
	if config.Concurrency <= 0 {
		config.Concurrency = defaultConcurrency
	}
	if config.Prefetch <= 0 {
		config.Prefetch = config.Concurrency
	}
	if config.StopTimeout <= 0 {
		config.StopTimeout = defaultStopTimeout
	}
	if config.HeartbeatInterval == 0 {
		config.HeartbeatInterval = defaultHeartbeatInterval
	}
	if config.MaxPayload <= 0 {
		config.MaxPayload = DefaultMaxPayload
	}
	if config.Logger == nil {
		config.Logger = slog.Default()
	}
	w := &Worker{
		transport:  conn,
		config:     config,
		instance:   uniqueName(config.Name),
		log:        config.Logger,
		apis:       map[string]*servedAPI{},
		admissions: make(chan struct{}, 1),
		ready:      make(chan struct{}),
	}
	w.handlers, w.abort = context.WithCancel(context.Background())
	w.replies = batch.NewGatherers(config.Batching.limits(), batch.Sender[replyTarget, *job]{Send: w.sendBatch, Settled: w.settled})
	return w
}

// Register implements [Registrar]. Mistakes, such as a service that is
// registered twice, are told by [Worker.Run].
func (w *Worker) Register(service *Service, handlers ...MethodHandler) {
	if err := errors.Join(contract.CheckModule(service.Module), contract.CheckVersion(service.Version)); err != nil {
		w.problems = append(w.problems, fmt.Errorf("service %s: %w", service.FullName, err))
		return
	}
	queue := wire.WorkerQueue(service.Module, service.Version)
	api := w.apis[queue]
	if api == nil {
		api = newServedAPI(w, contract.Key{Module: service.Module, Version: service.Version})
		w.apis[queue] = api
	}
	if err := api.description.add(service); err != nil {
		w.problems = append(w.problems, err)
		return
	}
	implemented := map[string]MethodHandler{}
	for _, handler := range handlers {
		implemented[handler.method.Name] = handler
	}
	for _, method := range service.Methods {
		handler, ok := implemented[method.Name]
		if !ok {
			handler = MethodHandler{method: method}
		}
		api.methods[method.Name] = newServedMethod(handler, w.config.Interceptors)
		delete(implemented, method.Name)
	}
	for name := range implemented {
		w.problems = append(w.problems, fmt.Errorf("service %s has no method %s", service.FullName, name))
	}
}

// Instance is the name of this worker among all others.
func (w *Worker) Instance() string { return w.instance }

// Ready is closed when the worker consumes all its queues for the first time and
// has announced itself.
func (w *Worker) Ready() <-chan struct{} { return w.ready }

// Run serves until ctx ends, then stops gracefully: it takes no more calls,
// finishes those that were delivered, sends every reply, and returns nil. When
// that takes longer than StopTimeout it ends the handlers' contexts and returns
// an error; what was not finished is delivered to other instances.
//
// Run waits for the broker for as long as it takes. It fails at once where
// waiting cannot help: when nothing or something twice is registered, or when
// the broker refuses a queue.
func (w *Worker) Run(ctx context.Context) error {
	defer w.abort()
	if len(w.apis) == 0 {
		w.problems = append(w.problems, errors.New("no service is registered"))
	}
	if err := errors.Join(w.problems...); err != nil {
		return fmt.Errorf("mqrpc worker: %w", err)
	}
	stopControl := w.startControl(ctx)
	err := w.consume(ctx)
	if err == nil {
		w.tellUnserved()
		w.log.Info("the worker is ready", slog.String("instance", w.instance), slog.Any("queues", slices.Sorted(maps.Keys(w.apis))))
		w.presence.start()
		close(w.ready)
		<-ctx.Done()
		w.presence.end()
		w.log.Info("the worker is stopping", slog.String("instance", w.instance))
	}
	if errors.Is(err, context.Canceled) && ctx.Err() != nil {
		err = nil // stopped before it was ready
	}
	err = errors.Join(err, w.stop())
	stopControl()
	return err
}

// startControl begins to hear what clients tell this instance, before it takes
// the first call. It waits no longer for that than for the first claims.
func (w *Worker) startControl(ctx context.Context) (stop func()) {
	w.presence = newPresence(w)
	hearing, cancel := context.WithCancel(context.WithoutCancel(ctx)) // it hears of callers that leave during the stop
	heard := make(chan struct{})
	var running sync.WaitGroup
	running.Go(func() { newControl(w).consume(hearing, heard) })
	following, stopFollowing := context.WithCancel(ctx)
	running.Go(func() { w.followAdmissions(following) })
	select {
	case <-heard:
	case <-time.After(firstClaims):
	case <-ctx.Done():
	}
	return func() {
		cancel()
		stopFollowing()
		running.Wait()
	}
}

// tellUnserved logs the services that other instances of an API may serve and
// this one does not, although it knows them: their calls fail when they come
// here.
func (w *Worker) tellUnserved() {
	for _, api := range w.apis {
		for _, service := range api.description.unserved(protoregistry.GlobalFiles) {
			w.log.Warn("a service is not registered, although others of its API are: every instance must serve all services of an API",
				slog.String("api", api.key.String()), slog.String("service", string(service)))
		}
	}
}

// workerQueueExpires is how long the queue of an API outlives its last worker,
// by PROTOCOL.md section 2.
const workerQueueExpires = 5 * time.Minute

// stop ends the worker gracefully.
func (w *Worker) stop() error {
	ctx, cancel := context.WithTimeout(context.Background(), w.config.StopTimeout)
	defer cancel()
	w.stopConsumers(ctx)
	select {
	case <-w.busy.none():
		w.removeQueues(ctx)
		w.log.Info("the worker has stopped", slog.String("instance", w.instance))
		return nil
	case <-ctx.Done():
		w.abort()
		running, waiting := w.load()
		return fmt.Errorf("mqrpc worker: after %v %d calls are still running and %d are waiting; the broker will deliver them to other instances",
			w.config.StopTimeout, running, waiting)
	}
}

func (w *Worker) stopConsumers(ctx context.Context) {
	var stopping sync.WaitGroup
	for _, api := range w.apis {
		stopping.Go(func() {
			if err := api.stopConsuming(ctx); err != nil {
				w.log.Warn("the worker's end is not orderly", slog.Any("error", err))
			}
		})
	}
	stopping.Wait()
}

func (w *Worker) removeQueues(ctx context.Context) {
	if w.config.KeepQueue {
		return
	}
	for _, api := range w.apis {
		api.removeQueue(ctx)
	}
}

func (w *Worker) load() (running, waiting int) {
	for _, api := range w.apis {
		r, q := api.pool.load()
		running += r
		waiting += q
	}
	return running, waiting
}

// Stats returns the worker's counters. They are read one after the other while
// calls go on.
func (w *Worker) Stats() WorkerStats {
	running, waiting := w.load()
	return WorkerStats{
		Calls:         w.counters.calls.Load(),
		Messages:      w.counters.messages.Load(),
		Failed:        w.counters.failed.Load(),
		Expired:       w.counters.expired.Load(),
		Aborted:       w.counters.aborted.Load(),
		Cancelled:     w.counters.cancelled.Load(),
		Replies:       w.counters.replies.Load(),
		ReplyMessages: w.counters.replyMessages.Load(),
		Undeliverable: w.counters.undeliverable.Load(),
		Malformed:     w.counters.malformed.Load(),
		Running:       running,
		Waiting:       waiting,
	}
}
