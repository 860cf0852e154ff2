package runtime

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"

	"golang.org/x/sync/errgroup"

	mqrpcv1 "github.com/mqrpc/mqrpc/proto/mqrpc/v1"
	"github.com/mqrpc/mqrpc/wire"
)

// consuming is whether the queue of an API is consumed: it is from the worker's
// start to its stop, but for the time in which gateways refuse its contract.
type consuming struct {
	refusal atomic.Pointer[mqrpcv1.Admission] // nil: it is not refused
	pending atomic.Bool                       // a change waits to be followed
	follow  func()                            // follows it; nil before the worker runs

	mu       sync.Mutex // held while the consumer changes
	consumer Consumer
	running  bool
}

func (c *consuming) isRefused() bool { return c.refusal.Load() != nil }

// admit notes whether the API's contract is refused, and has the queue be
// consumed or not.
func (c *consuming) admit(admission *mqrpcv1.Admission) {
	if !admission.GetRefused() {
		admission = nil
	}
	before := c.refusal.Swap(admission)
	if (before == nil) == (admission == nil) || c.pending.Swap(true) {
		return
	}
	c.follow()
}

// start consumes all queues at once, for the first time.
func (w *Worker) consume(ctx context.Context) error {
	starting, consuming := errgroup.WithContext(ctx)
	for _, api := range w.apis {
		starting.Go(func() error { return api.consume(consuming) })
	}
	return starting.Wait()
}

// consume consumes the API's queue.
func (a *servedAPI) consume(ctx context.Context) error {
	a.consuming.mu.Lock()
	defer a.consuming.mu.Unlock()
	consumer, err := a.worker.transport.Consume(ctx, Queue{
		Name:     a.queue,
		Bindings: []Binding{{wire.CallsExchange, wire.APIKey(a.key.Module, a.key.Version)}},
		Quorum:   a.worker.config.Quorum,
		Expires:  workerQueueExpires,
		Prefetch: a.worker.config.Prefetch,
	}, a.receive)
	if err != nil {
		return fmt.Errorf("mqrpc worker: %w", err)
	}
	a.consuming.consumer, a.consuming.running = consumer, true
	return nil
}

// stopConsuming ends the delivery of calls. What was delivered goes on.
func (a *servedAPI) stopConsuming(ctx context.Context) error {
	a.consuming.mu.Lock()
	defer a.consuming.mu.Unlock()
	if !a.consuming.running {
		return nil
	}
	a.consuming.running = false
	if err := a.consuming.consumer.Stop(ctx); err != nil {
		return fmt.Errorf("queue %s could not be left in order: %w", a.queue, err)
	}
	return nil
}

// followAdmission consumes the queue, or stops, as gateways said last.
func (a *servedAPI) followAdmission(ctx context.Context) {
	a.consuming.pending.Store(false)
	var err error
	if refusal := a.consuming.refusal.Load(); refusal != nil {
		a.worker.log.Error("gateways refuse this worker's contract, since it breaks the one in effect; the worker takes no more calls for it",
			slog.String("api", a.key.String()), slog.String("revision", refusal.GetRevision()),
			slog.String("in_effect", refusal.GetInEffect()), slog.String("reason", refusal.GetReason()))
		err = a.stopConsuming(ctx)
	} else {
		a.worker.log.Info("gateways admit this worker's contract again", slog.String("api", a.key.String()))
		err = a.consume(ctx)
	}
	if err != nil && !errors.Is(err, context.Canceled) {
		a.worker.log.Error("the worker could not follow", slog.String("api", a.key.String()), slog.Any("error", err))
	}
	a.worker.presence.changed(a)
}

// removeQueue deletes the API's queue if this was its last worker.
func (a *servedAPI) removeQueue(ctx context.Context) {
	a.consuming.mu.Lock()
	defer a.consuming.mu.Unlock()
	if a.consuming.consumer == nil {
		return
	}
	removed, err := a.consuming.consumer.Remove(ctx)
	switch {
	case err != nil:
		a.worker.log.Warn("an unused queue could not be removed; it expires by itself", slog.String("queue", a.queue), slog.Any("error", err))
	case removed:
		a.worker.log.Info("the last worker left; its queue was removed", slog.String("queue", a.queue))
	}
}
