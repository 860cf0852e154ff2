package runtime_test

import (
	"context"
	"errors"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"google.golang.org/grpc/codes"

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

// TestOnlyCallersThatLeaveTellIt: neither those whose calls are answered, nor those
// whose time is over, which the worker knows.
func TestOnlyCallersThatLeaveTellIt(t *testing.T) {
	s := newStand(t)
	told := s.hear(s.connect(), "told", transport.Binding{Exchange: wire.ControlExchange, Key: "#"})
	called := s.hear(s.connect(), "called", transport.Binding{Exchange: wire.CallsExchange, Key: "#"})
	started := make(chan struct{}, 1)
	s.worker(s.connect(), runtime.WorkerConfig{}, handlers{
		"Echo": echo,
		"Sleep": func(ctx context.Context, _ []byte) ([]byte, error) {
			started <- struct{}{}
			<-ctx.Done()
			return nil, ctx.Err()
		},
	})
	client := s.client(s.connect(), runtime.ClientConfig{})
	for name, tc := range map[string]struct {
		method  string
		timeout time.Duration
		context func(parent context.Context, leave func()) (ctx context.Context, stop func())
		code    codes.Code
		tells   bool
	}{
		"answered": {method: "Echo"},
		"the call's time is over": {
			method: "Sleep", timeout: 20 * time.Millisecond, code: codes.DeadlineExceeded,
		},
		"the context's time is over": {
			method: "Sleep", code: codes.DeadlineExceeded,
			context: func(parent context.Context, _ func()) (context.Context, func()) {
				return context.WithTimeout(parent, 20*time.Millisecond)
			},
		},
		"the parent's time is over": {
			method: "Sleep", code: codes.DeadlineExceeded,
			context: func(parent context.Context, _ func()) (context.Context, func()) {
				parent, stop := context.WithTimeout(parent, 20*time.Millisecond)
				ctx, stopInner := context.WithCancel(parent)
				return ctx, func() { stopInner(); stop() }
			},
		},
		"left": {
			method: "Sleep", code: codes.Canceled, tells: true,
			context: func(parent context.Context, leave func()) (context.Context, func()) {
				leave()
				return parent, func() {}
			},
		},
		"left before the context's deadline": {
			method: "Sleep", code: codes.Canceled, tells: true,
			context: func(parent context.Context, leave func()) (context.Context, func()) {
				leave()
				return context.WithTimeout(parent, time.Hour)
			},
		},
		"left before the call's time is over": {
			method: "Sleep", code: codes.Canceled, tells: true, timeout: time.Hour,
			context: func(parent context.Context, leave func()) (context.Context, func()) {
				leave()
				return context.WithTimeout(parent, 2*time.Hour)
			},
		},
		"a deadline that the worker does not know": {
			method: "Sleep", code: codes.DeadlineExceeded, tells: true, timeout: time.Hour,
			context: func(parent context.Context, _ func()) (context.Context, func()) {
				ctx, stop := context.WithTimeout(parent, 20*time.Millisecond)
				return secretDeadline{ctx}, stop
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			if tc.context != nil {
				var stop func()
				ctx, stop = tc.context(ctx, func() { go func() { <-started; started <- struct{}{}; cancel() }() })
				defer stop()
			}
			_, err := client.Invoke(ctx, &runtime.Call{Method: echoMethod(tc.method), Timeout: tc.timeout})
			if runtime.CodeOf(err) != tc.code {
				t.Errorf("got %v, want %v", err, tc.code)
			}
			if tc.method == "Sleep" {
				receive(t, started, "the handler has started")
			}
			this := digestOf(t, receive(t, called, "the call"))
			leaveOne(t, client, started) // what is told is told before that
			last := digestOf(t, receive(t, called, "the last call"))
			var digests []uint64
			for !slices.Contains(digests, last) {
				message, err := wire.DecodeCancel(receive(t, told, "the instances are told").Body)
				if err != nil {
					t.Fatal(err)
				}
				digests = append(digests, message.GetDigests()...)
			}
			if tells := slices.Contains(digests, this); tells != tc.tells {
				t.Errorf("the instances are told: %t, want %t", tells, tc.tells)
			}
		})
	}
}

// digestOf is the digest of the only call in a message.
func digestOf(t *testing.T, d *transport.Delivery) uint64 {
	t.Helper()
	calls, err := wire.DecodeCalls(d.Body)
	if err != nil || len(calls) != 1 {
		t.Fatalf("%d calls, %v", len(calls), err)
	}
	return wire.Digest(d.ReplyTo, calls[0].ID)
}

// leaveOne makes a call whose caller leaves.
func leaveOne(t *testing.T, client *runtime.Client, started <-chan struct{}) {
	t.Helper()
	ctx, leave := context.WithCancel(t.Context())
	outcome := make(chan error, 1)
	go func() {
		_, err := call(ctx, client, "Sleep", "")
		outcome <- err
	}()
	receive(t, started, "the handler runs")
	leave()
	if err := receive(t, outcome, "the caller has left"); runtime.CodeOf(err) != codes.Canceled {
		t.Errorf("a caller that left got %v, want CANCELLED", err)
	}
}

// secretDeadline is a context that does not tell its deadline.
type secretDeadline struct{ context.Context }

func (secretDeadline) Deadline() (time.Time, bool) { return time.Time{}, false }
