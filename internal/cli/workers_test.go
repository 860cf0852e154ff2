package cli

import (
	"context"
	"log/slog"
	"strings"
	"testing"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"

	"github.com/mqrpc/mqrpc/examples/wxapp/manager"
	wxappv1 "github.com/mqrpc/mqrpc/examples/wxapp/proto/wxapp/v1"
	"github.com/mqrpc/mqrpc/runtime"
	"github.com/mqrpc/mqrpc/runtime/memory"
)

// stage is a broker in memory with a worker of wxapp/1.0, and the program's
// environment around it.
type stage struct {
	broker  *memory.Broker
	environ []string
}

// newStage starts the worker, which says all the time that it lives.
func newStage(t *testing.T) *stage {
	t.Helper()
	s := &stage{broker: memory.NewBroker(memory.Config{}), environ: []string{"XDG_STATE_HOME=" + t.TempDir()}}
	transport := s.broker.Connect()
	worker := runtime.NewWorker(transport, runtime.WorkerConfig{
		Name: "worker", HeartbeatInterval: 10 * time.Millisecond, Logger: slog.New(slog.DiscardHandler),
		Interceptors: []runtime.Interceptor{failOnDemand},
	})
	wxappv1.RegisterWxappManagerServer(worker, &manager.V1{})
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- worker.Run(ctx) }()
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
		if err := closeWithin(time.Minute, transport.Close); err != nil {
			t.Error(err)
		}
	})
	<-worker.Ready()
	return s
}

// failOnDemand fails a call whose metadata says so, and answers others with
// metadata of its own.
func failOnDemand(next runtime.Handler) runtime.Handler {
	return func(ctx context.Context, call *runtime.Call) (*runtime.Reply, error) {
		runtime.SetReplyMetadata(ctx, "tenant-was", call.Metadata.Get("tenant"))
		if reason := call.Metadata.Get("fail"); reason != "" {
			return nil, runtime.NewError(codes.NotFound, "it is not here").WithDetails(
				&errdetails.ErrorInfo{Reason: reason, Domain: "example.com"}, &wxappv1.SessionKeyRequest{Code: []byte("x")})
		}
		return next(ctx, call)
	}
}

// run runs the program to its end, with an input.
func (s *stage) run(t *testing.T, code int, input string, args ...string) *program {
	t.Helper()
	return s.runIn(t, code, environment{in: strings.NewReader(input), args: args})
}

func (s *stage) runIn(t *testing.T, code int, env environment) *program {
	t.Helper()
	p := startIn(t, s.environment(env))
	p.wait(t, code)
	return p
}

// environment adds the broker, and the user's directories.
func (s *stage) environment(env environment) environment {
	env.environ = func() []string { return s.environ }
	env.connect = func() runtime.Transport { return s.broker.Connect() }
	return env
}
