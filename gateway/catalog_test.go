package gateway_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/mqrpc/mqrpc/catalog"
	"github.com/mqrpc/mqrpc/contract"
	wxappv1 "github.com/mqrpc/mqrpc/examples/wxapp/proto/wxapp/v1"
	"github.com/mqrpc/mqrpc/gateway"
	"github.com/mqrpc/mqrpc/gateway/form"
	"github.com/mqrpc/mqrpc/gateway/gatewaytest"
	mqrpcv1 "github.com/mqrpc/mqrpc/proto/mqrpc/v1"
	"github.com/mqrpc/mqrpc/registry"
	registrymemory "github.com/mqrpc/mqrpc/registry/memory"
	"github.com/mqrpc/mqrpc/runtime"
	"github.com/mqrpc/mqrpc/runtime/memory"
)

// withCatalog is a gateway over a catalog, a registry and a broker in memory. It
// lives in the bubble of a test.
type withCatalog struct {
	*testing.T

	broker   *memory.Broker
	registry *registrymemory.Registry
	gateway  *gateway.Gateway
}

func newWithCatalog(t *testing.T) *withCatalog {
	t.Helper()
	s := &withCatalog{T: t, broker: memory.NewBroker(memory.Config{}), registry: registrymemory.New()}
	transport := s.broker.Connect()
	logger := slog.New(slog.DiscardHandler)
	client := runtime.NewClient(transport, runtime.ClientConfig{Logger: logger})
	apis, err := catalog.New(catalog.Config{
		Workers: catalog.WorkersOf(client, transport), Transport: transport, Store: s.registry, Notifier: s.registry, Logger: logger,
	})
	if err != nil {
		t.Fatal(err)
	}
	s.gateway, err = gateway.New(gateway.Config{
		Caller: client, State: transport.State, Logger: logger, Sources: []gateway.Source{apis}, Registry: apis.Health,
		Fronts: []gateway.Front{form.New()}, Filters: gatewaytest.Filters(),
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx := context.Background()
		if err := errors.Join(apis.Close(ctx), client.Close(ctx), transport.Close(ctx), s.registry.Close()); err != nil {
			t.Error(err)
		}
	})
	<-apis.Listening()
	return s
}

// silentAfter answers so many calls, and then none in time.
type silentAfter struct {
	wxappv1.UnimplementedWxappManagerServer

	answers chan struct{}
}

func (s silentAfter) SessionKey(ctx context.Context, request *wxappv1.SessionKeyRequest) (*wxappv1.SessionKeyResponse, error) {
	select {
	case <-s.answers:
		return &wxappv1.SessionKeyResponse{SessionKey: request.GetCode()}, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (s *withCatalog) startWorker(answers int) (stop func()) {
	s.Helper()
	impl := silentAfter{answers: make(chan struct{}, answers)}
	for range answers {
		impl.answers <- struct{}{}
	}
	transport := s.broker.Connect()
	worker := runtime.NewWorker(transport, runtime.WorkerConfig{Logger: slog.New(slog.DiscardHandler)})
	wxappv1.RegisterWxappManagerServer(worker, impl)
	ctx, end := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- worker.Run(ctx) }()
	<-worker.Ready()
	synctest.Wait()
	stop = sync.OnceFunc(func() {
		end()
		if err := errors.Join(<-ended, transport.Close(context.Background())); err != nil {
			s.Error(err)
		}
		synctest.Wait()
	})
	s.Cleanup(stop)
	return stop
}

// push makes wxapp's contract with a policy the next state in the registry.
func (s *withCatalog) push(policy *mqrpcv1.Policy) {
	s.Helper()
	publisher, err := registry.NewPublisher(registry.PublisherConfig{Store: s.registry, Notifier: s.registry})
	if err != nil {
		s.Fatal(err)
	}
	_, err = publisher.Push(s.Context(), &mqrpcv1.Api{
		Module: "wxapp", Version: "1.0", Files: contract.Collect(wxappv1.File_wxapp_v1_wxapp_proto), Policy: policy,
	}, false)
	if err != nil {
		s.Fatal(err)
	}
	<-time.After(100 * time.Millisecond)
	synctest.Wait()
}

func (s *withCatalog) expect(version, method string, status int, part, why string) {
	s.Helper()
	body := fmt.Sprintf(`{"module":"wxapp","version":%q,"method":%q,"bizContent":{"Code":"YQ=="}}`, version, method)
	r := httptest.NewRequest(http.MethodPost, "/gateway", strings.NewReader(body))
	r.Header.Set("Content-Type", "application/json")
	w := httptest.NewRecorder()
	s.gateway.ServeHTTP(w, r)
	if w.Code != status || !strings.Contains(w.Body.String(), part) || w.Header().Get(gateway.DefaultResponseHeader) != why {
		s.Errorf("%s %s: got %d %s %s, want %d with %s, %s", version, method, w.Code, w.Body,
			w.Header().Get(gateway.DefaultResponseHeader), status, part, why)
	}
}

// TestOverACatalog: what callers of a gateway see of an API that comes, changes
// its policy and goes.
func TestOverACatalog(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const method = "WxappManager.SessionKey"
		s := newWithCatalog(t)
		s.expect("1.0", method, 404, gateway.ReasonUnknownModule, "")
		stop := s.startWorker(1)
		s.expect("1.0", method, 200, `{"SessionKey":"YQ=="}`, "")
		s.expect("9.9", method, 404, gateway.ReasonUnknownVersion, "")
		s.expect("1.0", "WxappManager.No", 404, gateway.ReasonUnknownMethod, "")

		s.push(&mqrpcv1.Policy{Timeout: durationpb.New(3 * time.Second)})
		began := time.Now()
		s.expect("1.0", method, 504, "", "")
		if took := time.Since(began); took < 3*time.Second || took > 3100*time.Millisecond {
			t.Errorf("it took %s", took)
		}
		standIn := map[string]string{method: `{"SessionKey":"bGF0ZXI="}`}
		s.push(&mqrpcv1.Policy{Timeout: durationpb.New(time.Second), DefaultResponses: standIn})
		s.expect("1.0", method, 200, "bGF0ZXI=", gateway.DefaultBecauseSilent)
		s.push(&mqrpcv1.Policy{Disabled: true, DefaultResponses: standIn})
		s.expect("1.0", method, 200, "bGF0ZXI=", gateway.DefaultBecauseDisabled)
		s.push(&mqrpcv1.Policy{Disabled: true})
		s.expect("1.0", method, 503, gateway.ReasonDisabled, "")
		stop()
		s.push(&mqrpcv1.Policy{DefaultResponses: standIn})
		s.expect("1.0", method, 200, "bGF0ZXI=", gateway.DefaultBecauseAbsent)
		s.push(&mqrpcv1.Policy{})
		s.expect("1.0", method, 503, gateway.ReasonNoWorker, "")

		s.registry.Fail(errors.New("unplugged"))
		s.expect("8.8", method, 503, gateway.ReasonLookupFailed, "")
		w := httptest.NewRecorder()
		s.gateway.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/readyz", http.NoBody))
		if w.Code != 200 || !strings.Contains(w.Body.String(), `"registry":{"available":false`) {
			t.Errorf("/readyz: got %d %s", w.Code, w.Body)
		}
	})
}
