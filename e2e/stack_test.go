package e2e_test

import (
	"context"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/mqrpc/mqrpc/runtime"
	"github.com/mqrpc/mqrpc/runtime/memory"
	"github.com/mqrpc/mqrpc/runtime/transport"
)

func TestMain(m *testing.M) {
	if runAsWorker() {
		return
	}
	goleak.VerifyTestMain(m, goleak.Cleanup(cleanUp))
}

// stack is a transport to test on.
type stack struct {
	name string
	// start returns a function that makes connections to one broker, which are
	// closed with the test.
	start func(t *testing.T) (connect func() transport.Transport)
}

var stacks = []stack{{
	name: "memory",
	start: func(t *testing.T) func() transport.Transport {
		broker := memory.NewBroker(memory.Config{})
		return func() transport.Transport { return closeAfter(t, broker.Connect()) }
	},
}}

// onEachStack runs a test over every transport.
func onEachStack(t *testing.T, test func(t *testing.T, r *rig)) {
	for _, s := range stacks {
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			test(t, newRig(t, s.start(t)))
		})
	}
}

// rig is a service with its workers and clients, each on a connection of its
// own.
type rig struct {
	t       *testing.T
	connect func() transport.Transport
	echo    *echoService
}

func newRig(t *testing.T, connect func() transport.Transport) *rig {
	return &rig{t: t, connect: connect, echo: newEchoService(t)}
}

// closeAfter closes a transport with the test.
func closeAfter(t *testing.T, conn transport.Transport) transport.Transport {
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		_ = conn.Close(ctx) // tests end with brokers that are stopped or blocked
	})
	return conn
}

// client returns a client that is ready, on a connection of its own.
func (r *rig) client(config runtime.ClientConfig) *runtime.Client {
	r.t.Helper()
	client := r.clientOn(r.connect(), config)
	if err := client.Ready(within(r.t, 20*time.Second)); err != nil {
		r.t.Fatal(err)
	}
	return client
}

func (r *rig) clientOn(conn transport.Transport, config runtime.ClientConfig) *runtime.Client {
	if config.Logger == nil {
		config.Logger = quiet()
	}
	client := runtime.NewClient(conn, config)
	r.t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		_ = client.Close(ctx) // calls may be open in tests of faults
	})
	return client
}

// runningWorker is a worker with its implementation.
type runningWorker struct {
	*runtime.Worker
	t      *testing.T
	server *echoServer
	cancel context.CancelFunc
	result chan error
}

// worker starts a worker and waits until it is ready.
func (r *rig) worker(name string, config runtime.WorkerConfig) *runningWorker {
	return r.workerOn(r.connect(), name, config)
}

func (r *rig) workerOn(conn transport.Transport, name string, config runtime.WorkerConfig) *runningWorker {
	r.t.Helper()
	if config.Logger == nil {
		config.Logger = quiet()
	}
	ctx, cancel := context.WithCancel(context.Background())
	w := &runningWorker{
		Worker: runtime.NewWorker(conn, config), t: r.t, server: newEchoServer(name),
		cancel: cancel, result: make(chan error, 1),
	}
	w.server.register(w.Worker, r.echo)
	go func() { w.result <- w.Run(ctx) }()
	r.t.Cleanup(func() { cancel(); _ = w.wait() }) // tests that care have looked
	select {
	case <-w.Ready():
	case err := <-w.result:
		w.result <- err
		r.t.Fatalf("the worker ended before it was ready: %v", err)
	case <-time.After(20 * time.Second):
		r.t.Fatal("the worker is not ready after 20 s")
	}
	return w
}

// stop stops the worker gracefully and returns what Run returned.
func (w *runningWorker) stop() error {
	w.t.Helper()
	w.cancel()
	return w.wait()
}

func (w *runningWorker) wait() error {
	w.t.Helper()
	select {
	case err := <-w.result:
		w.result <- err
		return err
	case <-time.After(40 * time.Second):
		w.t.Error("the worker has not stopped after 40 s")
		return nil
	}
}

// eventually waits until the condition holds.
func eventually(t *testing.T, within time.Duration, what string, condition func() bool) {
	t.Helper()
	deadline := time.Now().Add(within)
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	for !condition() {
		if time.Now().After(deadline) {
			t.Fatalf("not within %v: %s", within, what)
		}
		<-tick.C
	}
}

// within gives a context that ends after d or with the test.
func within(t *testing.T, d time.Duration) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), d)
	t.Cleanup(cancel)
	return ctx
}

// expectQuick fails if since began longer ago than limit.
func expectQuick(t *testing.T, began time.Time, limit time.Duration) {
	t.Helper()
	if took := time.Since(began); took > limit {
		t.Errorf("it took %v, want at most %v", took.Round(time.Millisecond), limit)
	}
}
