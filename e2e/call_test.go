package e2e_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/mqrpc/mqrpc/runtime"
)

func TestCallReturnsTheResponse(t *testing.T) {
	onEachStack(t, func(t *testing.T, r *rig) {
		r.worker("w", runtime.WorkerConfig{})
		client := r.client(runtime.ClientConfig{})
		for _, text := range []string{"", "hello", strings.Repeat("ü", 1<<20)} {
			if got := mustInvoke(t, client, r.echo.echo, text); got != text {
				t.Errorf("got %d bytes back, sent %d", len(got), len(text))
			}
		}
	})
}

func TestManyCallersShareMessages(t *testing.T) {
	onEachStack(t, func(t *testing.T, r *rig) {
		worker := r.worker("w", runtime.WorkerConfig{})
		client := r.client(runtime.ClientConfig{})
		const callers, calls = 64, 100
		var callersDone sync.WaitGroup
		for caller := range callers {
			callersDone.Go(func() {
				for i := range calls {
					text := fmt.Sprintf("%d-%d", caller, i)
					if got, err := invoke(t.Context(), client, r.echo.echo, text); err != nil || got != text {
						t.Errorf("call %s: got %q, %v", text, got, err)
						return
					}
				}
			})
		}
		callersDone.Wait()
		stats := client.Stats()
		if stats.Calls != callers*calls || stats.Replies != callers*calls || stats.Open != 0 {
			t.Errorf("the client counts %+v, want %d calls and replies, none open", stats, callers*calls)
		}
		if stats.Messages >= stats.Calls {
			t.Errorf("%d calls took %d messages: none was shared", stats.Calls, stats.Messages)
		}
		if served := worker.Stats(); served.Calls != callers*calls || served.Replies != callers*calls {
			t.Errorf("the worker counts %+v, want %d calls and replies", served, callers*calls)
		}
	})
}

func TestBatchingCanBeSwitchedOff(t *testing.T) {
	onEachStack(t, func(t *testing.T, r *rig) {
		alone := runtime.Batching{MaxEntries: 1}
		worker := r.worker("w", runtime.WorkerConfig{Batching: alone})
		client := r.client(runtime.ClientConfig{Batching: alone})
		var callers sync.WaitGroup
		for range 32 {
			callers.Go(func() {
				for range 10 {
					if _, err := invoke(t.Context(), client, r.echo.echo, "x"); err != nil {
						t.Error(err)
					}
				}
			})
		}
		callers.Wait()
		if stats := client.Stats(); stats.Messages != stats.Calls {
			t.Errorf("%d calls took %d messages", stats.Calls, stats.Messages)
		}
		if stats := worker.Stats(); stats.ReplyMessages != stats.Replies {
			t.Errorf("%d replies took %d messages", stats.Replies, stats.ReplyMessages)
		}
	})
}

func TestMetadataTravelsBothWays(t *testing.T) {
	onEachStack(t, func(t *testing.T, r *rig) {
		worker := r.worker("w1", runtime.WorkerConfig{Name: "shop"})
		var seen *runtime.Reply
		client := r.client(runtime.ClientConfig{Interceptors: []runtime.Interceptor{
			func(next runtime.Handler) runtime.Handler {
				return func(ctx context.Context, call *runtime.Call) (*runtime.Reply, error) {
					reply, err := next(ctx, call)
					seen = reply
					return reply, err
				}
			},
		}})
		ctx := runtime.WithMetadata(runtime.WithMetadata(t.Context(), "Other", "2"), "X-Sent", "grüße")
		if _, err := invoke(ctx, client, r.echo.echo, "x"); err != nil {
			t.Fatal(err)
		}
		if got := seen.Metadata.Get("served-by"); got != "w1" {
			t.Errorf("the reply's metadata says %q, want w1", got)
		}
		if got := seen.Metadata.Get("seen"); got != "grüße" {
			t.Errorf("the handler saw metadata %q", got)
		}
		if seen.Instance != worker.Instance() || seen.Handled <= 0 {
			t.Errorf("the reply names instance %q and %v of handling", seen.Instance, seen.Handled)
		}
		_, err := invoke(runtime.WithMetadata(t.Context(), "nö", "x"), client, r.echo.echo, "x")
		expectCode(t, err, codes.InvalidArgument)
	})
}

func TestErrorKeepsItsDetails(t *testing.T) {
	onEachStack(t, func(t *testing.T, r *rig) {
		r.worker("w", runtime.WorkerConfig{})
		_, err := invoke(t.Context(), r.client(runtime.ClientConfig{}), r.echo.fail, "milk")
		expectCode(t, err, codes.FailedPrecondition)
		var failure *runtime.Error
		if !errors.As(err, &failure) || !failure.Remote() || failure.Message() != "no milk today" {
			t.Fatalf("got %v, want the handler's error, marked as remote", err)
		}
		details := failure.Details()
		if len(details) != 2 {
			t.Fatalf("got %d details, want 2", len(details))
		}
		if info, ok := details[0].(*errdetails.ErrorInfo); !ok || info.GetReason() != "SOLD_OUT" {
			t.Errorf("the first detail is %v, want the ErrorInfo", details[0])
		}
		if pause, ok := details[1].(*durationpb.Duration); !ok || pause.AsDuration() != time.Minute {
			t.Errorf("the second detail is %v, want one minute", details[1])
		}
		if s, ok := status.FromError(err); !ok || s.Code() != codes.FailedPrecondition || len(s.Details()) != 2 {
			t.Errorf("gRPC's status package reads %v", s)
		}
	})
}

func TestPanicIsItsCallersErrorAlone(t *testing.T) {
	onEachStack(t, func(t *testing.T, r *rig) {
		r.worker("w", runtime.WorkerConfig{})
		client := r.client(runtime.ClientConfig{})
		_, err := invoke(t.Context(), client, r.echo.panic, "boom")
		expectCode(t, err, codes.Internal)
		if strings.Contains(err.Error(), "secret") {
			t.Errorf("the caller learns the panic's value: %v", err)
		}
		mustInvoke(t, client, r.echo.echo, "still here")
	})
}

func TestDeadlineEndsTheCallOnBothSides(t *testing.T) {
	onEachStack(t, func(t *testing.T, r *rig) {
		worker := r.worker("w", runtime.WorkerConfig{})
		client := r.client(runtime.ClientConfig{})
		began := time.Now()
		_, err := invoke(within(t, 100*time.Millisecond), client, r.echo.sleep, "1h")
		expectCode(t, err, codes.DeadlineExceeded)
		if !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("errors.Is does not see context.DeadlineExceeded in %v", err)
		}
		expectQuick(t, began, 2*time.Second)
		eventually(t, 5*time.Second, "the handler's context ends too", func() bool {
			return worker.Stats().Running == 0
		})
		eventually(t, 5*time.Second, "the worker's reply is counted", func() bool {
			stats := client.Stats()
			return stats.Late+stats.Replies == 1 // both sides end the call at the same time
		})
	})
}

func TestHandlerThatOverrunsItsDeadline(t *testing.T) {
	onEachStack(t, func(t *testing.T, r *rig) {
		worker := r.worker("w", runtime.WorkerConfig{})
		client := r.client(runtime.ClientConfig{})
		_, err := invoke(within(t, 50*time.Millisecond), client, r.echo.hold, "slow")
		expectCode(t, err, codes.DeadlineExceeded)
		mustInvoke(t, client, r.echo.echo, "others go on")
		close(worker.server.release)
		eventually(t, 5*time.Second, "the late reply is counted", func() bool { return client.Stats().Late == 1 })
	})
}

func TestCallsWaitingBehindSlowOnesExpireUnrun(t *testing.T) {
	onEachStack(t, func(t *testing.T, r *rig) {
		worker := r.worker("w", runtime.WorkerConfig{Concurrency: 1, Prefetch: 100})
		client := r.client(runtime.ClientConfig{})
		var first sync.WaitGroup
		first.Go(func() { mustInvoke(t, client, r.echo.hold, "first") })
		<-worker.server.started
		// Long enough to reach the worker: the broker drops what expires in its queue.
		_, err := invoke(within(t, time.Second), client, r.echo.once, "second")
		expectCode(t, err, codes.DeadlineExceeded)
		// In the worker the time began later, when the call arrived.
		<-time.After(200 * time.Millisecond)
		close(worker.server.release)
		first.Wait()
		eventually(t, 5*time.Second, "the second call is dropped", func() bool { return worker.Stats().Expired == 1 })
		if runs := worker.server.runsOf("second"); runs != 0 {
			t.Errorf("the expired call ran %d times", runs)
		}
	})
}

func TestCancelledCallerLeavesAtOnce(t *testing.T) {
	onEachStack(t, func(t *testing.T, r *rig) {
		worker := r.worker("w", runtime.WorkerConfig{})
		client := r.client(runtime.ClientConfig{})
		ctx, cancel := context.WithCancel(t.Context())
		go func() {
			<-worker.server.started
			cancel()
		}()
		_, err := invoke(ctx, client, r.echo.hold, "x")
		expectCode(t, err, codes.Canceled)
		close(worker.server.release)
	})
}

func TestUnknownMethodIsUnimplemented(t *testing.T) {
	onEachStack(t, func(t *testing.T, r *rig) {
		r.worker("w", runtime.WorkerConfig{})
		unknown := *r.echo.echo
		unknown.Name = "Echo.Unknown"
		_, err := invoke(t.Context(), r.client(runtime.ClientConfig{}), &unknown, "x")
		expectCode(t, err, codes.Unimplemented)
	})
}

func TestPayloadThatDoesNotDecodeIsInvalid(t *testing.T) {
	onEachStack(t, func(t *testing.T, r *rig) {
		r.worker("w", runtime.WorkerConfig{})
		_, err := r.client(runtime.ClientConfig{}).Invoke(t.Context(), &runtime.Call{Method: r.echo.echo, Payload: []byte{0x0a, 0xff}})
		expectCode(t, err, codes.InvalidArgument)
	})
}

func TestRawPayloadsTravelUnchanged(t *testing.T) {
	onEachStack(t, func(t *testing.T, r *rig) {
		r.worker("w", runtime.WorkerConfig{})
		reply, err := r.client(runtime.ClientConfig{}).Invoke(t.Context(), &runtime.Call{Method: r.echo.echo, Payload: []byte("\x0a\x02hi")})
		if err != nil || string(reply.Payload) != "\x0a\x02hi" || reply.Message != nil {
			t.Errorf("got %v, %v", reply, err)
		}
	})
}

func TestTooLargePayloadsAreRefused(t *testing.T) {
	onEachStack(t, func(t *testing.T, r *rig) {
		r.worker("w", runtime.WorkerConfig{})
		client := r.client(runtime.ClientConfig{MaxPayload: 1000})
		_, err := invoke(t.Context(), client, r.echo.echo, strings.Repeat("x", 1001))
		expectCode(t, err, codes.ResourceExhausted)
		_, err = invoke(t.Context(), client, r.echo.big, "x")
		expectCode(t, err, codes.ResourceExhausted)
		mustInvoke(t, client, r.echo.echo, "still here")
	})
}

func TestInterceptorsWrapBothSides(t *testing.T) {
	onEachStack(t, func(t *testing.T, r *rig) {
		var mu sync.Mutex
		var order []string
		note := func(name string) runtime.Interceptor {
			return func(next runtime.Handler) runtime.Handler {
				return func(ctx context.Context, call *runtime.Call) (*runtime.Reply, error) {
					mu.Lock()
					order = append(order, name)
					mu.Unlock()
					return next(ctx, call)
				}
			}
		}
		deny := func(next runtime.Handler) runtime.Handler {
			return func(ctx context.Context, call *runtime.Call) (*runtime.Reply, error) {
				if call.Metadata.Get("token") != "good" {
					return nil, runtime.NewError(codes.Unauthenticated, "no token")
				}
				return next(ctx, call)
			}
		}
		sign := func(next runtime.Handler) runtime.Handler {
			return func(ctx context.Context, call *runtime.Call) (*runtime.Reply, error) {
				call.Metadata = runtime.Metadata{"token": "good"}
				return next(ctx, call)
			}
		}
		r.worker("w", runtime.WorkerConfig{Interceptors: []runtime.Interceptor{note("w1"), deny, note("w2")}})
		signed := r.client(runtime.ClientConfig{Interceptors: []runtime.Interceptor{note("c1"), sign, note("c2")}})
		mustInvoke(t, signed, r.echo.echo, "x")
		if got := strings.Join(order, " "); got != "c1 c2 w1 w2" {
			t.Errorf("the interceptors ran as %q", got)
		}
		_, err := invoke(t.Context(), r.client(runtime.ClientConfig{}), r.echo.echo, "x")
		expectCode(t, err, codes.Unauthenticated)
	})
}

func TestNoWorkerIsLearntAtOnce(t *testing.T) {
	onEachStack(t, func(t *testing.T, r *rig) {
		client := r.client(runtime.ClientConfig{})
		began := time.Now()
		_, err := invoke(t.Context(), client, r.echo.echo, "x")
		expectCode(t, err, codes.Unavailable)
		if !errors.Is(err, runtime.ErrNoQueue) {
			t.Errorf("%v is not ErrNoQueue", err)
		}
		expectQuick(t, began, time.Second)
	})
}

func TestClosedClientRefusesCalls(t *testing.T) {
	onEachStack(t, func(t *testing.T, r *rig) {
		worker := r.worker("w", runtime.WorkerConfig{})
		client := r.client(runtime.ClientConfig{})
		open := make(chan error, 1)
		go func() {
			_, err := invoke(t.Context(), client, r.echo.hold, "open")
			open <- err
		}()
		<-worker.server.started
		closed := make(chan error, 1)
		go func() { closed <- client.Close(within(t, 10*time.Second)) }()
		eventually(t, 5*time.Second, "new calls are refused", func() bool {
			_, err := invoke(t.Context(), client, r.echo.echo, "x")
			return runtime.CodeOf(err) == codes.Unavailable
		})
		close(worker.server.release)
		if err := <-open; err != nil {
			t.Errorf("the call that was open failed: %v", err)
		}
		if err := <-closed; err != nil {
			t.Errorf("close: %v", err)
		}
	})
}
