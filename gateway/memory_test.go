package gateway_test

import (
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	wxappv1 "github.com/mqrpc/mqrpc/examples/wxapp/proto/wxapp/v1"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"

	"github.com/mqrpc/mqrpc/gateway"
	"github.com/mqrpc/mqrpc/gateway/form"
	"github.com/mqrpc/mqrpc/gateway/gatewaytest"
	"github.com/mqrpc/mqrpc/runtime"
	"github.com/mqrpc/mqrpc/runtime/memory"
)

// sessions implements SessionKey by a function.
type sessions struct {
	wxappv1.UnimplementedWxappManagerServer
	sessionKey func(context.Context, *wxappv1.SessionKeyRequest) (*wxappv1.SessionKeyResponse, error)
}

func (s sessions) SessionKey(ctx context.Context, request *wxappv1.SessionKeyRequest) (*wxappv1.SessionKeyResponse, error) {
	return s.sessionKey(ctx, request)
}

// startWorker serves until the returned function is called.
func startWorker(t *testing.T, broker *memory.Broker, config runtime.WorkerConfig, implementation sessions) (stop func()) {
	t.Helper()
	config.Logger = slog.New(slog.DiscardHandler)
	transport := broker.Connect()
	worker := runtime.NewWorker(transport, config)
	wxappv1.RegisterWxappManagerServer(worker, implementation)
	ctx, end := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- worker.Run(ctx) }()
	<-worker.Ready()
	return func() {
		t.Helper()
		end()
		if err := <-ended; err != nil {
			t.Errorf("the worker: %v", err)
		}
		if err := transport.Close(context.Background()); err != nil {
			t.Errorf("the worker's transport: %v", err)
		}
	}
}

// overMemory is a gateway whose calls go to that broker.
func overMemory(t *testing.T, broker *memory.Broker) *gateway.Gateway {
	t.Helper()
	transport := broker.Connect()
	client := runtime.NewClient(transport, runtime.ClientConfig{Logger: slog.New(slog.DiscardHandler)})
	t.Cleanup(func() {
		if err := client.Close(context.Background()); err != nil {
			t.Error(err)
		}
		if err := transport.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	if err := client.Ready(t.Context()); err != nil {
		t.Fatal(err)
	}
	return gatewaytest.New(t, gateway.Config{Caller: client, State: transport.State})
}

func TestWorkersBehindTheGateway(t *testing.T) {
	tests := map[string]struct {
		handler func(ctx context.Context, request *wxappv1.SessionKeyRequest) (*wxappv1.SessionKeyResponse, error)
		status  int
		body    string
	}{
		"answers": {func(_ context.Context, request *wxappv1.SessionKeyRequest) (*wxappv1.SessionKeyResponse, error) {
			return &wxappv1.SessionKeyResponse{SessionKey: request.GetCode()}, nil
		}, 200, gatewaytest.SessionKeyAnswer},
		"sees the request id": {func(ctx context.Context, _ *wxappv1.SessionKeyRequest) (*wxappv1.SessionKeyResponse, error) {
			return nil, runtime.NewError(codes.NotFound, "id "+runtime.CallFromContext(ctx).Metadata.Get("x-request-id"))
		}, 404, `{"code":5,"message":"id id-7"}`},
		"fails with details": {func(context.Context, *wxappv1.SessionKeyRequest) (*wxappv1.SessionKeyResponse, error) {
			return nil, runtime.NewError(codes.FailedPrecondition, "not now").WithDetails(&errdetails.ErrorInfo{Reason: "NOT_NOW", Domain: "wxapp"})
		}, 400, `{"code":9,"message":"not now","details":[{"@type":"type.googleapis.com/google.rpc.ErrorInfo","reason":"NOT_NOW","domain":"wxapp"}]}`},
		"panics": {func(context.Context, *wxappv1.SessionKeyRequest) (*wxappv1.SessionKeyResponse, error) {
			panic("boom")
		}, 500, `"code":13`},
		"overruns its time": {func(ctx context.Context, _ *wxappv1.SessionKeyRequest) (*wxappv1.SessionKeyResponse, error) {
			<-ctx.Done()
			return nil, ctx.Err()
		}, 504, `"code":4`},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			broker := memory.NewBroker(memory.Config{})
			defer startWorker(t, broker, runtime.WorkerConfig{}, sessions{sessionKey: test.handler})()
			w := gatewaytest.Post(overMemory(t, broker), gatewaytest.FormType, gatewaytest.SessionKey, "X-Request-Id", "id-7", form.TimeoutHeader, "300ms")
			if w.Code != test.status || !strings.Contains(w.Body.String(), test.body) {
				t.Errorf("got %d %s, want %d %s", w.Code, w.Body, test.status, test.body)
			}
		})
	}
}

// TestMethodWithoutImplementation: the gateway knows it, the worker does not.
func TestMethodWithoutImplementation(t *testing.T) {
	broker := memory.NewBroker(memory.Config{})
	defer startWorker(t, broker, runtime.WorkerConfig{}, sessions{})()
	w := gatewaytest.Post(overMemory(t, broker), gatewaytest.FormType, gatewaytest.Form("module", "wxapp", "version", "1.0", "method", "WxappManager.SendMessage", "bizContent", "{}"))
	if w.Code != http.StatusNotImplemented {
		t.Errorf("got %d %s", w.Code, w.Body)
	}
}

// TestAllWorkersStopped: 503 at once when the queue is gone, the deadline's 504
// when it is not.
func TestAllWorkersStopped(t *testing.T) {
	answer := sessions{sessionKey: func(context.Context, *wxappv1.SessionKeyRequest) (*wxappv1.SessionKeyResponse, error) {
		return &wxappv1.SessionKeyResponse{}, nil
	}}
	t.Run("queue gone", func(t *testing.T) {
		broker := memory.NewBroker(memory.Config{})
		startWorker(t, broker, runtime.WorkerConfig{}, answer)()
		began := time.Now()
		w := gatewaytest.Post(overMemory(t, broker), gatewaytest.FormType, gatewaytest.SessionKey)
		if f := gatewaytest.FailureOf(t, w); w.Code != 503 || f.Reason() != gateway.ReasonNoWorker {
			t.Errorf("got %d %s", w.Code, w.Body)
		}
		if took := time.Since(began); took > time.Second {
			t.Errorf("it took %s", took)
		}
	})
	t.Run("queue kept", func(t *testing.T) {
		broker := memory.NewBroker(memory.Config{})
		startWorker(t, broker, runtime.WorkerConfig{KeepQueue: true}, answer)()
		w := gatewaytest.Post(overMemory(t, broker), gatewaytest.FormType, gatewaytest.SessionKey, form.TimeoutHeader, "100ms")
		if w.Code != http.StatusGatewayTimeout {
			t.Errorf("got %d %s", w.Code, w.Body)
		}
	})
}

func TestBrokerBlocks(t *testing.T) {
	broker := memory.NewBroker(memory.Config{})
	defer startWorker(t, broker, runtime.WorkerConfig{}, sessions{})()
	g := overMemory(t, broker)
	broker.Block(true)
	defer broker.Block(false)
	gatewaytest.Await(t, "readiness to end", func() bool { return gatewaytest.Get(g, "/readyz").Code == 503 })
	if w := gatewaytest.Post(g, gatewaytest.FormType, gatewaytest.SessionKey); w.Code != 503 {
		t.Errorf("got %d %s", w.Code, w.Body)
	}
}

// TestClientLeavesWorker: over a real client, too, the call ends with the request, long before its time.
func TestClientLeavesWorker(t *testing.T) {
	broker := memory.NewBroker(memory.Config{})
	request, leave := context.WithCancel(t.Context())
	release := make(chan struct{})
	defer startWorker(t, broker, runtime.WorkerConfig{}, sessions{
		sessionKey: func(context.Context, *wxappv1.SessionKeyRequest) (*wxappv1.SessionKeyResponse, error) {
			leave()
			<-release
			return &wxappv1.SessionKeyResponse{}, nil
		},
	})()
	defer close(release)
	r := httptest.NewRequestWithContext(request, http.MethodPost, "/gateway", strings.NewReader(gatewaytest.SessionKey))
	r.Header.Set("Content-Type", gatewaytest.FormType)
	w := httptest.NewRecorder()
	overMemory(t, broker).ServeHTTP(w, r)
	if f := gatewaytest.FailureOf(t, w); f.Code != int(codes.Canceled) {
		t.Errorf("got %d %s", w.Code, w.Body)
	}
}
