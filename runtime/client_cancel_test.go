package runtime_test

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"google.golang.org/grpc/codes"

	mqrpcv1 "github.com/mqrpc/mqrpc/proto/mqrpc/v1"
	"github.com/mqrpc/mqrpc/runtime"
	"github.com/mqrpc/mqrpc/runtime/transport"
	"github.com/mqrpc/mqrpc/wire"
)

// TestCallerThatLeavesEndsTheHandlersContext among several instances, of which
// one has the call.
func TestCallerThatLeavesEndsTheHandlersContext(t *testing.T) {
	s := newStand(t)
	started, ended := make(chan struct{}), make(chan error)
	for range 3 {
		s.worker(s.connect(), runtime.WorkerConfig{}, handlers{"Wait": func(ctx context.Context, _ []byte) ([]byte, error) {
			started <- struct{}{}
			<-ctx.Done()
			ended <- ctx.Err()
			return nil, ctx.Err()
		}})
	}
	client := s.client(s.connect(), runtime.ClientConfig{})
	ctx, leave := context.WithCancel(t.Context())
	outcome := make(chan error, 1)
	go func() {
		_, err := call(ctx, client, "Wait", "")
		outcome <- err
	}()
	receive(t, started, "the handler runs")
	leave()
	if err := receive(t, ended, "the handler's context ends"); !errors.Is(err, context.Canceled) {
		t.Errorf("the handler's context says %v, want %v", err, context.Canceled)
	}
	if err := receive(t, outcome, "the caller returns"); runtime.CodeOf(err) != codes.Canceled {
		t.Errorf("the caller got %v, want CANCELLED", err)
	}
}

// TestCancelledCallThatWaitsNeverRuns: it waits in the worker for a handler, or
// in the queue for a worker.
func TestCancelledCallThatWaitsNeverRuns(t *testing.T) {
	s := newStand(t)
	started, release := make(chan struct{}, 1), make(chan struct{})
	var ran atomic.Int64
	worker := s.worker(s.connect(), runtime.WorkerConfig{Concurrency: 1, Prefetch: 2}, handlers{
		"Block": func(context.Context, []byte) ([]byte, error) {
			started <- struct{}{}
			<-release
			return nil, nil
		},
		"Count": func(context.Context, []byte) ([]byte, error) {
			ran.Add(1)
			return nil, nil
		},
	})
	client := s.client(s.connect(), runtime.ClientConfig{Batching: runtime.Batching{MaxEntries: 1}})
	blocked := make(chan error, 1)
	go func() {
		_, err := call(context.Background(), client, "Block", "")
		blocked <- err
	}()
	receive(t, started, "the only handler is busy")
	const callers = 5 // one of them is delivered, and waits; four are in the queue
	ctx, leave := context.WithCancel(t.Context())
	outcomes := make(chan error, callers)
	for range callers {
		go func() {
			_, err := call(ctx, client, "Count", "")
			outcomes <- err
		}()
	}
	eventually(t, "a call waits in the worker, and all were sent", func() bool {
		return worker.Stats().Waiting == 1 && client.Stats().Messages == callers+1
	})
	cancelled := s.hear(s.connect(), "tap", transport.Binding{Exchange: wire.ControlExchange, Key: everybodyKey})
	leave()
	for range callers {
		if err := receive(t, outcomes, "the callers return"); runtime.CodeOf(err) != codes.Canceled {
			t.Errorf("a caller that left got %v, want CANCELLED", err)
		}
	}
	for told := 0; told < callers; {
		message, err := wire.DecodeCancel(receive(t, cancelled, "the instances are told").Body)
		if err != nil {
			t.Fatal(err)
		}
		told += len(message.GetDigests())
	}
	s.fence(worker)
	close(release)
	if err := receive(t, blocked, "the busy handler returns"); err != nil {
		t.Error(err)
	}
	eventually(t, "the worker has dropped all calls", func() bool { return worker.Stats().Cancelled == callers })
	if n := ran.Load(); n > 0 {
		t.Errorf("%d cancelled calls have run", n)
	}
	if _, err := call(t.Context(), client, "Count", ""); err != nil {
		t.Errorf("a later call: %v", err)
	}
}

// TestCallsThatEndTellNobody: neither those that are answered nor those whose
// time is over.
func TestCallsThatEndTellNobody(t *testing.T) {
	s := newStand(t)
	told := s.hear(s.connect(), "tap", transport.Binding{Exchange: wire.ControlExchange, Key: "#"})
	s.worker(s.connect(), runtime.WorkerConfig{}, handlers{
		"Echo":  func(_ context.Context, in []byte) ([]byte, error) { return in, nil },
		"Sleep": func(ctx context.Context, _ []byte) ([]byte, error) { <-ctx.Done(); return nil, ctx.Err() },
	})
	client := s.client(s.connect(), runtime.ClientConfig{})
	for range 20 {
		if _, err := call(t.Context(), client, "Echo", "x"); err != nil {
			t.Fatal(err)
		}
	}
	_, err := client.Invoke(t.Context(), &runtime.Call{Method: echoMethod("Sleep"), Timeout: 20 * time.Millisecond})
	if runtime.CodeOf(err) != codes.DeadlineExceeded {
		t.Errorf("got %v, want DEADLINE_EXCEEDED", err)
	}
	s.tell(s.connect(), wire.ControlExchange, "test.1_0.all", "test.end", "", &mqrpcv1.Discover{})
	for {
		if d := receive(t, told, "the end"); d.Type == "test.end" {
			return
		} else if d.Type == wire.TypeCancel {
			t.Error("instances were told of calls that ended by themselves")
		}
	}
}
