package runtime

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"

	"golang.org/x/sync/errgroup"

	mqrpcv1 "github.com/mqrpc/mqrpc/proto/mqrpc/v1"
	"github.com/mqrpc/mqrpc/runtime/transport"
	"github.com/mqrpc/mqrpc/wire"
)

// consuming is whether the queue of an API is consumed: it is from the worker's
// start to its stop, but for the time in which gateways refuse its contract.
type consuming struct {
	refusal atomic.Pointer[mqrpcv1.Admission] // nil: it is not refused

	mu       sync.Mutex // held while the consumer changes
	consumer transport.Consumer
	running  bool
	stopping bool // for good
}

func (c *consuming) isRefused() bool { return c.refusal.Load() != nil }

// consume consumes all queues at once, for the first time.
func (w *Worker) consume(ctx context.Context) error {
	starting, consuming := errgroup.WithContext(ctx)
	for _, api := range w.apis {
		starting.Go(func() error { return api.settle(consuming) })
	}
	return starting.Wait()
}

// settle has the API's queue be consumed, or not, as is wanted now. It is called
// whenever that has changed, and does nothing where all is as wanted.
func (a *servedAPI) settle(ctx context.Context) error {
	c := &a.consuming
	c.mu.Lock()
	defer c.mu.Unlock()
	wanted := !c.stopping && !c.isRefused()
	switch {
	case wanted == c.running:
		return nil
	case wanted:
		consumer, err := a.worker.transport.Consume(ctx, a.workerQueue(), a.receive)
		if err != nil {
			return fmt.Errorf("mqrpc worker: %w", err)
		}
		c.consumer, c.running = consumer, true
	default: // what was delivered goes on
		if err := c.consumer.Stop(ctx); err != nil {
			return fmt.Errorf("queue %s could not be left in order: %w", a.queue, err)
		}
		c.running = false
	}
	return nil
}

func (a *servedAPI) workerQueue() transport.Queue {
	return transport.Queue{
		Name:     a.queue,
		Bindings: []transport.Binding{{Exchange: wire.CallsExchange, Key: wire.APIKey(a.key.Module, a.key.Version)}},
		Quorum:   a.worker.config.Quorum,
		Expires:  workerQueueExpires,
		Prefetch: a.worker.config.Prefetch,
	}
}

// stopConsuming ends the delivery of calls for good.
func (a *servedAPI) stopConsuming(ctx context.Context) error {
	a.consuming.mu.Lock()
	a.consuming.stopping = true
	a.consuming.mu.Unlock()
	return a.settle(ctx)
}

// admit notes what a gateway says of the API's contract. It does not block: to
// consume a queue, or to stop, takes the broker's answer.
func (a *servedAPI) admit(admission *mqrpcv1.Admission) {
	if !admission.GetRefused() {
		admission = nil
	}
	before := a.consuming.refusal.Swap(admission)
	if (before == nil) == (admission == nil) {
		return
	}
	select {
	case a.worker.admissions <- struct{}{}:
	default: // they are about to be followed
	}
}

// followAdmissions does what gateways have said last, until ctx ends.
func (w *Worker) followAdmissions(ctx context.Context) {
	told := map[*servedAPI]*mqrpcv1.Admission{}
	for {
		select {
		case <-w.admissions:
		case <-ctx.Done():
			return
		}
		for _, api := range w.apis {
			// It may have changed once more since the worker was told.
			if err := api.settle(ctx); err != nil && ctx.Err() == nil {
				w.log.Error("the worker could not do what gateways say of its contract",
					slog.String("api", api.key.String()), slog.Any("error", err))
			}
			if refusal := api.consuming.refusal.Load(); refusal != told[api] {
				told[api] = refusal
				api.tellAdmission(refusal)
			}
		}
	}
}

// tellAdmission tells whoever reads the log, and whoever listens to claims.
func (a *servedAPI) tellAdmission(refusal *mqrpcv1.Admission) {
	if refusal != nil {
		a.worker.log.Error("gateways refuse this worker's contract, since it breaks the one in effect; the worker takes no more calls for it",
			slog.String("api", a.key.String()), slog.String("revision", refusal.GetRevision()),
			slog.String("in_effect", refusal.GetInEffect()), slog.String("reason", refusal.GetReason()))
	} else {
		a.worker.log.Info("gateways admit this worker's contract again", slog.String("api", a.key.String()))
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
