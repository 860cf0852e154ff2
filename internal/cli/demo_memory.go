package cli

import (
	"context"
	"errors"
	"time"

	"github.com/mqrpc/mqrpc/runtime"
	"github.com/mqrpc/mqrpc/runtime/memory"
)

// demoStopTimeout bounds the stop of each part of the demo.
const demoStopTimeout = 10 * time.Second

// inMemory is the demo's backend in this process.
type inMemory struct {
	broker  *memory.Broker
	own     *memory.Transport
	stopAll context.CancelFunc
	running []chan error
}

// startInMemory starts a worker for each version, each with a connection of its
// own to a broker in memory, as processes would have.
func (d *demo) startInMemory(ctx context.Context) (demoBackend, error) {
	broker := memory.NewBroker(memory.Config{})
	// The workers stop after the gateway, not with it.
	workers, stopAll := context.WithCancel(context.WithoutCancel(ctx))
	b := &inMemory{broker: broker, own: broker.Connect(), stopAll: stopAll}
	for _, version := range demoVersions() {
		if err := b.startWorker(workers, version, runtime.WorkerConfig{Logger: d.logger, StopTimeout: demoStopTimeout}); err != nil {
			return nil, errors.Join(err, b.stop())
		}
	}
	return b, nil
}

// startWorker returns when the worker is ready.
func (b *inMemory) startWorker(ctx context.Context, version demoVersion, config runtime.WorkerConfig) error {
	transport := b.broker.Connect()
	worker := runtime.NewWorker(transport, config)
	version.register(worker)
	ended := make(chan error, 1)
	go func() {
		err := worker.Run(ctx)
		ended <- errors.Join(err, closeWithin(demoStopTimeout, transport.Close))
	}()
	select {
	case <-worker.Ready():
		b.running = append(b.running, ended)
		return nil
	case err := <-ended:
		return err
	}
}

func (b *inMemory) transport() runtime.Transport { return b.own }

func (b *inMemory) stop() error {
	b.stopAll()
	var errs []error
	for _, ended := range b.running {
		errs = append(errs, <-ended)
	}
	return errors.Join(append(errs, closeWithin(demoStopTimeout, b.own.Close))...)
}
