package cli

import (
	"context"
	"errors"
	"time"

	"github.com/mqrpc/mqrpc/runtime"
	"github.com/mqrpc/mqrpc/runtime/memory"
	"github.com/mqrpc/mqrpc/runtime/transport"
)

// demoStopTimeout bounds the stop of each part of the demo.
const demoStopTimeout = 10 * time.Second

// inMemory is the demo's backend in this process.
type inMemory struct {
	broker  *memory.Broker
	own     *memory.Transport
	config  runtime.WorkerConfig
	workers context.Context // of all workers
	stopAll context.CancelFunc
	running []chan error
}

// startInMemory starts a broker in memory.
func (d *demo) startInMemory(ctx context.Context) *inMemory {
	broker := memory.NewBroker(memory.Config{})
	b := &inMemory{
		broker: broker,
		own:    broker.Connect(),
		config: runtime.WorkerConfig{Logger: d.logger, StopTimeout: demoStopTimeout},
	}
	// The workers stop after the gateway, not with it.
	b.workers, b.stopAll = context.WithCancel(context.WithoutCancel(ctx))
	return b
}

// startWorker gives the worker a connection of its own, as a process would have.
func (b *inMemory) startWorker(_ context.Context, version demoVersion) error {
	conn := b.broker.Connect()
	worker := runtime.NewWorker(conn, b.config)
	version.register(worker)
	ended := make(chan error, 1)
	go func() {
		err := worker.Run(b.workers)
		ended <- errors.Join(err, closeWithin(demoStopTimeout, conn.Close))
	}()
	select {
	case <-worker.Ready():
		b.running = append(b.running, ended)
		return nil
	case err := <-ended:
		return err
	}
}

func (b *inMemory) transport() transport.Transport { return b.own }

func (b *inMemory) stop() error {
	b.stopAll()
	var errs []error
	for _, ended := range b.running {
		errs = append(errs, <-ended)
	}
	return errors.Join(append(errs, closeWithin(demoStopTimeout, b.own.Close))...)
}
