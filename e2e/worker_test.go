package e2e_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"google.golang.org/grpc/codes"

	"github.com/mqrpc/mqrpc/runtime"
	"github.com/mqrpc/mqrpc/runtime/transport"
	"github.com/mqrpc/mqrpc/wire"
)

func TestWorkersCompete(t *testing.T) {
	onEachStack(t, func(t *testing.T, r *rig) {
		for _, name := range []string{"a", "b", "c"} {
			r.worker(name, runtime.WorkerConfig{})
		}
		client := r.client(runtime.ClientConfig{})
		served := map[string]int{}
		var mu sync.Mutex
		var callers sync.WaitGroup
		for caller := range 16 {
			callers.Go(func() {
				for i := range 20 {
					out, err := invoke(t.Context(), client, r.echo.once, fmt.Sprintf("%d-%d", caller, i))
					if err != nil {
						t.Error(err)
						return
					}
					name, _, _ := strings.Cut(out, ":")
					mu.Lock()
					served[name]++
					mu.Unlock()
				}
			})
		}
		callers.Wait()
		if len(served) != 3 {
			t.Errorf("the calls were served by %v, want all of a, b and c", served)
		}
	})
}

func TestConcurrencyIsBounded(t *testing.T) {
	onEachStack(t, func(t *testing.T, r *rig) {
		worker := r.worker("w", runtime.WorkerConfig{Concurrency: 3, Prefetch: 100})
		client := r.client(runtime.ClientConfig{})
		var callers sync.WaitGroup
		for i := range 10 {
			callers.Go(func() { mustInvoke(t, client, r.echo.hold, fmt.Sprint(i)) })
		}
		eventually(t, 5*time.Second, "all calls have arrived", func() bool {
			stats := worker.Stats()
			return stats.Running+stats.Waiting == 10
		})
		if stats := worker.Stats(); stats.Running != 3 {
			t.Errorf("%d handlers run at once, want 3", stats.Running)
		}
		close(worker.server.release)
		callers.Wait()
	})
}

func TestVersionsLiveSideBySide(t *testing.T) {
	onEachStack(t, func(t *testing.T, r *rig) {
		newer := newRig(t, r.connect)
		newer.echo.service.Module = r.echo.service.Module
		newer.echo.service.Version = "1.1"
		for _, method := range newer.echo.service.Methods {
			method.Module, method.Version = r.echo.service.Module, "1.1"
		}
		r.worker("old", runtime.WorkerConfig{})
		newer.worker("new", runtime.WorkerConfig{})
		client := r.client(runtime.ClientConfig{})
		if got := mustInvoke(t, client, r.echo.once, "x"); got != "old:x" {
			t.Errorf("version 1.0 was served by %q", got)
		}
		if got := mustInvoke(t, client, newer.echo.once, "x"); got != "new:x" {
			t.Errorf("version 1.1 was served by %q", got)
		}
	})
}

func TestStopFinishesWhatWasDelivered(t *testing.T) {
	onEachStack(t, func(t *testing.T, r *rig) {
		worker := r.worker("w", runtime.WorkerConfig{})
		client := r.client(runtime.ClientConfig{})
		result := make(chan string, 1)
		go func() {
			out, err := invoke(t.Context(), client, r.echo.hold, "last")
			result <- fmt.Sprint(out, err)
		}()
		<-worker.server.started
		worker.cancel()
		eventually(t, 5*time.Second, "the stopping worker takes no more calls", func() bool {
			ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
			defer cancel()
			_, err := invoke(ctx, client, r.echo.echo, "x")
			return err != nil
		})
		close(worker.server.release)
		if got := <-result; got != "w:last<nil>" {
			t.Errorf("the last call got %q", got)
		}
		if err := worker.wait(); err != nil {
			t.Errorf("stop: %v", err)
		}
	})
}

func TestStopIsBounded(t *testing.T) {
	onEachStack(t, func(t *testing.T, r *rig) {
		worker := r.worker("w", runtime.WorkerConfig{StopTimeout: 100 * time.Millisecond})
		client := r.client(runtime.ClientConfig{})
		go func() { _, _ = invoke(t.Context(), client, r.echo.hold, "stuck") }()
		<-worker.server.started
		began := time.Now()
		err := worker.stop()
		if err == nil || !strings.Contains(err.Error(), "1 calls are still running") {
			t.Errorf("stop says %v, want that a call is still running", err)
		}
		expectQuick(t, began, 5*time.Second)
		close(worker.server.release)
	})
}

func TestStoppedModuleIsUnavailableAtOnce(t *testing.T) {
	onEachStack(t, func(t *testing.T, r *rig) {
		worker := r.worker("w", runtime.WorkerConfig{})
		client := r.client(runtime.ClientConfig{})
		mustInvoke(t, client, r.echo.echo, "x")
		if err := worker.stop(); err != nil {
			t.Fatal(err)
		}
		began := time.Now()
		_, err := invoke(t.Context(), client, r.echo.echo, "x")
		expectCode(t, err, codes.Unavailable)
		expectQuick(t, began, time.Second)
	})
}

func TestKeptQueueHoldsCallsForTheNextWorker(t *testing.T) {
	onEachStack(t, func(t *testing.T, r *rig) {
		if err := r.worker("first", runtime.WorkerConfig{KeepQueue: true}).stop(); err != nil {
			t.Fatal(err)
		}
		client := r.client(runtime.ClientConfig{})
		_, err := invoke(within(t, 100*time.Millisecond), client, r.echo.once, "nobody")
		expectCode(t, err, codes.DeadlineExceeded)
		result := make(chan string, 1)
		go func() {
			out, err := invoke(t.Context(), client, r.echo.once, "patient")
			result <- fmt.Sprint(out, err)
		}()
		eventually(t, 5*time.Second, "the call has been sent", func() bool { return client.Stats().Messages == 2 })
		second := r.worker("second", runtime.WorkerConfig{})
		if got := <-result; got != "second:patient<nil>" {
			t.Errorf("the waiting call got %q", got)
		}
		if runs := second.server.runsOf("nobody"); runs != 0 {
			t.Errorf("the call whose caller had left ran %d times", runs)
		}
	})
}

// TestUpgradeLosesNoCall starts a new worker and stops the old one, again and
// again, under load.
func TestUpgradeLosesNoCall(t *testing.T) {
	onEachStack(t, func(t *testing.T, r *rig) {
		old := r.worker("w0", runtime.WorkerConfig{})
		client := r.client(runtime.ClientConfig{})
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		var done atomic.Int64
		var callers sync.WaitGroup
		for caller := range 8 {
			callers.Go(func() {
				for i := 0; ctx.Err() == nil; i++ {
					if _, err := invoke(t.Context(), client, r.echo.once, fmt.Sprintf("%d-%d", caller, i)); err != nil {
						t.Errorf("a call was lost: %v", err)
						return
					}
					done.Add(1)
				}
			})
		}
		for i := range 5 {
			next := r.worker(fmt.Sprintf("w%d", i+1), runtime.WorkerConfig{})
			before := done.Load()
			eventually(t, 10*time.Second, "calls go on", func() bool { return done.Load() > before+50 })
			if err := old.stop(); err != nil {
				t.Errorf("stop: %v", err)
			}
			old = next
		}
		cancel()
		callers.Wait()
	})
}

func TestRunTellsMistakes(t *testing.T) {
	onEachStack(t, func(t *testing.T, r *rig) {
		run := func(prepare func(*runtime.Worker)) error {
			worker := runtime.NewWorker(r.connect(), runtime.WorkerConfig{Logger: quiet()})
			prepare(worker)
			return worker.Run(within(t, 5*time.Second))
		}
		for want, prepare := range map[string]func(*runtime.Worker){
			"no service is registered": func(*runtime.Worker) {},
			"registered twice": func(w *runtime.Worker) {
				w.Register(r.echo.service)
				w.Register(r.echo.service)
			},
			"module is missing": func(w *runtime.Worker) { w.Register(&runtime.Service{Version: "1"}) },
		} {
			if err := run(prepare); err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("got %v, want an error about %q", err, want)
			}
		}
	})
}

// TestWorkersUseTheQueueThatExists, of whichever kind it is.
func TestWorkersUseTheQueueThatExists(t *testing.T) {
	onEachStack(t, func(t *testing.T, r *rig) {
		classic := r.worker("classic", runtime.WorkerConfig{})
		r.worker("quorum", runtime.WorkerConfig{Quorum: true})
		if err := classic.stop(); err != nil {
			t.Fatal(err)
		}
		client := r.client(runtime.ClientConfig{})
		if got := mustInvoke(t, client, r.echo.echo, "x"); got != "x" {
			t.Errorf("got %q", got)
		}
	})
}

func TestGarbageIsCountedAndDropped(t *testing.T) {
	onEachStack(t, func(t *testing.T, r *rig) {
		worker := r.worker("w", runtime.WorkerConfig{})
		client := r.client(runtime.ClientConfig{})
		spy := r.connect()
		mustInvoke(t, client, r.echo.echo, "x")
		name := strings.TrimPrefix(client.ReplyQueue(), "reply_")
		callKey, replyKey := wire.APIKey(r.echo.service.Module, "1.0"), wire.ReplyKey(name, r.echo.service.Module, "1.0")

		throw := func(exchange, key, kind, replyTo string, body []byte) {
			t.Helper()
			result := make(chan error, 1)
			spy.Publish(transport.Publishing{Exchange: exchange, RoutingKey: key, Type: kind, ReplyTo: replyTo, Body: body, Retry: true},
				func(err error) { result <- err })
			if err := <-result; err != nil {
				t.Fatalf("publish garbage to %s: %v", key, err)
			}
		}
		call := wire.AppendCall(nil, &wire.Call{ID: 1, Method: "Echo.Echo"})
		throw(wire.CallsExchange, callKey, "text/plain", name, call)
		throw(wire.CallsExchange, callKey, wire.TypeCall, "", call)
		throw(wire.CallsExchange, callKey, wire.TypeCall, name, []byte("GET / HTTP/1.1"))
		throw(wire.CallsExchange, callKey, wire.TypeCall, name, nil)
		throw(wire.RepliesExchange, replyKey, "text/plain", "", []byte("x"))
		throw(wire.RepliesExchange, replyKey, wire.TypeReply, "", []byte{0xff, 0xff})
		throw(wire.RepliesExchange, replyKey, wire.TypeReply, "", wire.AppendReply(wire.AppendSender(nil, wire.Sender{Instance: "stranger-1"}), &wire.Reply{ID: 4711}))
		// A call of a client that has gone: nobody gets its reply.
		throw(wire.CallsExchange, callKey, wire.TypeCall, "nobody", call)

		eventually(t, 5*time.Second, "the worker has counted the garbage", func() bool {
			stats := worker.Stats()
			return stats.Malformed == 4 && stats.Undeliverable == 1
		})
		eventually(t, 5*time.Second, "the client has counted the garbage", func() bool {
			stats := client.Stats()
			return stats.Malformed == 2 && stats.Late == 1
		})
		mustInvoke(t, client, r.echo.echo, "still here")
	})
}
