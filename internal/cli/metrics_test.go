package cli

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/mqrpc/mqrpc/catalog"
	"github.com/mqrpc/mqrpc/contract"
	"github.com/mqrpc/mqrpc/registry/memory"
	"github.com/mqrpc/mqrpc/registry/registrytest"
	"github.com/mqrpc/mqrpc/runtime"
	runtimememory "github.com/mqrpc/mqrpc/runtime/memory"
)

func TestMetricsTellOfTheRegistry(t *testing.T) {
	store := memory.New()
	t.Cleanup(func() { _ = store.Close() })
	key := contract.Key{Module: "greeter", Version: "1.0"}
	if err := store.Save(t.Context(), registrytest.API(key, 1, 1)); err != nil {
		t.Fatal(err)
	}
	apis, err := catalog.New(catalog.Config{Store: store, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = apis.Close(context.Background()) })
	broker := runtimememory.NewBroker(runtimememory.Config{})
	transport := broker.Connect()
	client := runtime.NewClient(transport, runtime.ClientConfig{Logger: slog.New(slog.DiscardHandler)})
	t.Cleanup(func() {
		_ = client.Close(context.Background())
		_ = transport.Close(context.Background())
	})
	handler, stop, err := withMetrics(apis, client)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := stop(context.Background()); err != nil {
			t.Error(err)
		}
	})

	if _, err := apis.API(t.Context(), key.Module, key.Version); err != nil {
		t.Fatal(err)
	}
	expectMetrics(t, handler, "mqrpc_gateway_apis{", "} 1\n", "mqrpc_gateway_registry_available{", "go_goroutines ")
	store.Fail(errors.New("down"))
	_, _ = apis.API(t.Context(), "other", "1.0") // finds out
	if got := metric(t, handler, "mqrpc_gateway_registry_available"); got != "0" {
		t.Errorf("with the registry down, available is %q, want 0", got)
	}
	method := &runtime.Method{Module: key.Module, Version: key.Version, Name: "Greeter.Greet"}
	_, _ = client.Invoke(t.Context(), &runtime.Call{Method: method}) // nobody serves it
	for _, name := range []string{"mqrpc_client_calls_total", "mqrpc_client_messages_total"} {
		if got := metric(t, handler, name); got != "1" {
			t.Errorf("after a call %s is %q, want 1", name, got)
		}
	}
	if got := metric(t, handler, `mqrpc_gateway_lookups_total`, `outcome="registry"`); got != "1" {
		t.Errorf("lookups from the registry: %q, want 1", got)
	}
	response := httptest.NewRecorder()
	handler.ServeHTTP(response, httptest.NewRequest(http.MethodGet, "/apis", http.NoBody))
	if response.Code != http.StatusOK {
		t.Errorf("GET /apis beside the metrics: %d", response.Code)
	}
}

func scrape(t *testing.T, handler http.Handler) string {
	t.Helper()
	response := httptest.NewRecorder()
	handler.ServeHTTP(response, httptest.NewRequest(http.MethodGet, "/metrics", http.NoBody))
	if response.Code != http.StatusOK {
		t.Fatalf("GET /metrics: %d %s", response.Code, response.Body)
	}
	return response.Body.String()
}

func expectMetrics(t *testing.T, handler http.Handler, parts ...string) {
	t.Helper()
	text := scrape(t, handler)
	for _, part := range parts {
		if !strings.Contains(text, part) {
			t.Errorf("the metrics lack %q:\n%s", part, text)
		}
	}
}

// metric is the value of the first line that begins with the name and holds the
// labels, "" for none.
func metric(t *testing.T, handler http.Handler, name string, labels ...string) string {
	t.Helper()
	for line := range strings.Lines(scrape(t, handler)) {
		if !strings.HasPrefix(line, name+"{") {
			continue
		}
		holds := true
		for _, label := range labels {
			holds = holds && strings.Contains(line, label)
		}
		if fields := strings.Fields(line); holds && len(fields) > 0 {
			return fields[len(fields)-1]
		}
	}
	return ""
}
