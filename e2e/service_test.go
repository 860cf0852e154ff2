package e2e_test

import (
	"context"
	"fmt"
	"log/slog"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/mqrpc/mqrpc/runtime"
)

// echoService is a service with a method for each thing that a call may do.
type echoService struct {
	service                                   *runtime.Service
	echo, once, sleep, hold, fail, panic, big *runtime.Method
}

// newEchoService describes the service in a module of its own, so that tests do
// not meet in one queue.
func newEchoService(t *testing.T) *echoService {
	name := strings.ToLower(strings.NewReplacer("/", "-", "_", "-").Replace(t.Name()))
	return newEchoServiceIn(fmt.Sprintf("%.60s-%s-%d", name, testRun, modules.Add(1)))
}

func newEchoServiceIn(module string) *echoService {
	s := &echoService{service: &runtime.Service{
		Module: module, Version: "1.0", Name: "Echo", FullName: "test.Echo",
	}}
	text := func(name string, idempotency runtime.Idempotency) *runtime.Method {
		method := &runtime.Method{
			Module: s.service.Module, Version: s.service.Version, Name: "Echo." + name, Idempotency: idempotency,
			Request: (*wrapperspb.StringValue)(nil), Response: (*wrapperspb.StringValue)(nil),
		}
		s.service.Methods = append(s.service.Methods, method)
		return method
	}
	s.echo = text("Echo", runtime.NoSideEffects)
	s.once = text("Once", runtime.IdempotencyUnknown)
	s.sleep = text("Sleep", runtime.Idempotent)
	s.hold = text("Hold", runtime.IdempotencyUnknown)
	s.fail = text("Fail", runtime.IdempotencyUnknown)
	s.panic = text("Panic", runtime.NoSideEffects)
	s.big = text("Big", runtime.NoSideEffects)
	return s
}

var modules atomic.Int64

// testRun tells the queues of one run from those of another on the same broker.
var testRun = strconv.FormatInt(time.Now().UnixMilli(), 36)

// echoServer implements the service.
type echoServer struct {
	name string
	// runs counts the runs of Once and Hold by their text.
	mu   sync.Mutex
	runs map[string]int
	// started gets the text of every Hold that starts; release lets them go on.
	started chan string
	release chan struct{}
}

func newEchoServer(name string) *echoServer {
	return &echoServer{name: name, runs: map[string]int{}, started: make(chan string, 1000), release: make(chan struct{})}
}

func (s *echoServer) register(worker runtime.Registrar, e *echoService) {
	worker.Register(e.service,
		runtime.Handle(e.echo, s.echo),
		runtime.Handle(e.once, s.once),
		runtime.Handle(e.sleep, s.sleep),
		runtime.Handle(e.hold, s.hold),
		runtime.Handle(e.fail, s.fail),
		runtime.Handle(e.panic, s.panic),
		runtime.Handle(e.big, s.big),
	)
}

func (s *echoServer) echo(ctx context.Context, in *wrapperspb.StringValue) (*wrapperspb.StringValue, error) {
	runtime.SetReplyMetadata(ctx, "Served-By", s.name)
	if call := runtime.CallFromContext(ctx); call != nil {
		runtime.SetReplyMetadata(ctx, "seen", call.Metadata.Get("X-Sent"))
	}
	return in, nil
}

func (s *echoServer) once(_ context.Context, in *wrapperspb.StringValue) (*wrapperspb.StringValue, error) {
	s.count(in.GetValue())
	return wrapperspb.String(s.name + ":" + in.GetValue()), nil
}

func (s *echoServer) sleep(ctx context.Context, in *wrapperspb.StringValue) (*wrapperspb.StringValue, error) {
	pause, err := time.ParseDuration(in.GetValue())
	if err != nil {
		return nil, runtime.Errorf(codes.InvalidArgument, "not a duration: %w", err)
	}
	select {
	case <-time.After(pause):
		return wrapperspb.String(s.name), nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// hold waits for release, whatever its context says.
func (s *echoServer) hold(_ context.Context, in *wrapperspb.StringValue) (*wrapperspb.StringValue, error) {
	s.count(in.GetValue())
	s.started <- in.GetValue()
	<-s.release
	return wrapperspb.String(s.name + ":" + in.GetValue()), nil
}

func (s *echoServer) fail(ctx context.Context, in *wrapperspb.StringValue) (*wrapperspb.StringValue, error) {
	runtime.SetReplyMetadata(ctx, "with-error", "yes")
	return nil, runtime.Errorf(codes.FailedPrecondition, "no %s today", in.GetValue()).WithDetails(
		&errdetails.ErrorInfo{Reason: "SOLD_OUT", Domain: "test"}, durationpb.New(time.Minute))
}

func (s *echoServer) panic(_ context.Context, in *wrapperspb.StringValue) (*wrapperspb.StringValue, error) {
	panic("secret: " + in.GetValue())
}

func (s *echoServer) big(_ context.Context, in *wrapperspb.StringValue) (*wrapperspb.StringValue, error) {
	return wrapperspb.String(strings.Repeat(in.GetValue(), 20<<20)), nil
}

func (s *echoServer) count(text string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.runs[text]++
}

func (s *echoServer) runsOf(text string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.runs[text]
}

// invoke makes a call of one of the methods.
func invoke(ctx context.Context, client runtime.Caller, method *runtime.Method, text string) (string, error) {
	out, err := runtime.Unary[wrapperspb.StringValue](ctx, client, method, wrapperspb.String(text))
	return out.GetValue(), err
}

// mustInvoke fails the test if the call fails.
func mustInvoke(t *testing.T, client runtime.Caller, method *runtime.Method, text string) string {
	t.Helper()
	out, err := invoke(t.Context(), client, method, text)
	if err != nil {
		t.Fatalf("%s(%q): %v", method, text, err)
	}
	return out
}

func expectCode(t *testing.T, err error, code codes.Code) {
	t.Helper()
	if got := runtime.CodeOf(err); got != code {
		t.Fatalf("got code %v (%v), want %v", got, err, code)
	}
}

func quiet() *slog.Logger { return slog.New(slog.DiscardHandler) }
