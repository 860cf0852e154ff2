package gateway_test

import (
	"strings"
	"testing"
	"time"

	"github.com/mqrpc/mqrpc/catalog"
	"github.com/mqrpc/mqrpc/gateway"
	"github.com/mqrpc/mqrpc/gateway/gatewaytest"
	"github.com/mqrpc/mqrpc/runtime/transport"
)

func TestHealth(t *testing.T) {
	g := gatewaytest.New(t, gateway.Config{State: func() transport.State { return transport.State{} }})
	if w := gatewaytest.Get(g, "/healthz"); w.Code != 200 || w.Body.String() != `{"alive":true}` {
		t.Errorf("got %d %s", w.Code, w.Body)
	}
}

func TestReady(t *testing.T) {
	since := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	tests := map[string]struct {
		state  transport.State
		status int
		body   string
	}{
		"connected": {transport.State{Connected: true, Since: since}, 200,
			`{"ready":true,"broker":{"connected":true,"blocked":false,"since":"2026-01-02T03:04:05Z"}}`},
		"disconnected": {transport.State{Since: since, Err: transport.ErrDisconnected}, 503,
			`{"ready":false,"reason":"there is no connection to the broker","broker":{"connected":false,"blocked":false,"since":"2026-01-02T03:04:05Z"}}`},
		"blocked": {transport.State{Connected: true, Blocked: true}, 503,
			`{"ready":false,"reason":"the broker blocks publishers","broker":{"connected":true,"blocked":true}}`},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			g := gatewaytest.New(t, gateway.Config{State: func() transport.State { return test.state }})
			if w := gatewaytest.Get(g, "/readyz"); w.Code != test.status || w.Body.String() != test.body {
				t.Errorf("got  %d %s\nwant %d %s", w.Code, w.Body, test.status, test.body)
			}
		})
	}
}

func TestDrain(t *testing.T) {
	g := gatewaytest.New(t, gateway.Config{})
	if w := gatewaytest.Get(g, "/readyz"); w.Code != 200 {
		t.Errorf("before: %d %s", w.Code, w.Body)
	}
	g.Drain()
	if w := gatewaytest.Get(g, "/readyz"); w.Code != 503 {
		t.Errorf("after: %d %s", w.Code, w.Body)
	}
	if w := gatewaytest.Get(g, "/healthz"); w.Code != 200 {
		t.Errorf("health: %d %s", w.Code, w.Body)
	}
	if w := gatewaytest.Post(g, gatewaytest.FormType, gatewaytest.SessionKey); w.Code != 200 {
		t.Errorf("a call: %d %s", w.Code, w.Body)
	}
}

func TestReadinessTellsOfTheRegistry(t *testing.T) {
	g := gatewaytest.New(t, gateway.Config{Registry: func() catalog.RegistryHealth {
		return catalog.RegistryHealth{Snapshot: true, SnapshotAPIs: 3}
	}})
	w := gatewaytest.Get(g, "/readyz")
	const want = `"registry":{"available":false,"snapshot":true,"snapshotApis":3}`
	if w.Code != 200 || !strings.Contains(w.Body.String(), want) {
		t.Errorf("got %d %s, want 200 with %s", w.Code, w.Body, want)
	}
}
