package gateway_test

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"github.com/mqrpc/mqrpc/gateway"
	"github.com/mqrpc/mqrpc/gateway/gatewaytest"
	"github.com/mqrpc/mqrpc/runtime"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestWhatTheCallerGets(t *testing.T) {
	var got *runtime.Call
	g := gatewaytest.New(t, gateway.Config{Caller: gatewaytest.Caller(func(ctx context.Context, call *runtime.Call) (*runtime.Reply, error) {
		got = call
		return gatewaytest.Echo(ctx, call)
	})})
	gatewaytest.Post(g, gatewaytest.FormType, gatewaytest.SessionKey, "X-Request-Id", "id-1", "Traceparent", "00-a-b-01", "Tracestate", "a=1", "Tracestate", "b=2", "Authorization", "secret")
	want := runtime.Metadata{"x-request-id": "id-1", "traceparent": "00-a-b-01", "tracestate": "a=1, b=2"}
	if len(got.Metadata) != len(want) {
		t.Errorf("metadata %v, want %v", got.Metadata, want)
	}
	for key, value := range want {
		if got.Metadata[key] != value {
			t.Errorf("metadata %s is %q, want %q", key, got.Metadata[key], value)
		}
	}
	if got.Method.String() != "wxapp/1.0/WxappManager.SessionKey" || got.Message != nil {
		t.Errorf("got %+v", got)
	}
}

func TestForwardHeaders(t *testing.T) {
	var got runtime.Metadata
	caller := gatewaytest.Caller(func(ctx context.Context, call *runtime.Call) (*runtime.Reply, error) {
		got = call.Metadata
		return gatewaytest.Echo(ctx, call)
	})
	g := gatewaytest.New(t, gateway.Config{Caller: caller, ForwardHeaders: []string{"Authorization"}})
	gatewaytest.Post(g, gatewaytest.FormType, gatewaytest.SessionKey, "Authorization", "Bearer \xff", "Traceparent", "x")
	if got["authorization"] != "Bearer \uFFFD" || got.Get("traceparent") != "" {
		t.Errorf("got %q", got)
	}
	if _, err := gateway.New(gateway.Config{Caller: caller, ForwardHeaders: []string{"Mqrpc-Instance"}}); err == nil {
		t.Error("reserved metadata can be forwarded")
	}
}

func TestRequestID(t *testing.T) {
	g := gatewaytest.New(t, gateway.Config{})
	for given, kept := range map[string]bool{
		"": false, "abc-1.2_3:4/5+6=7@8,9": true, "with space": false, "a\"b": false,
		strings.Repeat("x", 128): true, strings.Repeat("x", 129): false,
	} {
		got := gatewaytest.Post(g, gatewaytest.FormType, gatewaytest.SessionKey, "X-Request-Id", given).Header().Get("X-Request-Id")
		if kept && got != given || !kept && len(got) != 32 {
			t.Errorf("%q became %q", given, got)
		}
	}
	if got := gatewaytest.Post(g, gatewaytest.FormType, "bad=%").Header().Get("X-Request-Id"); got == "" {
		t.Error("an error comes without a request id")
	}
	if got := gateway.RequestID(t.Context()); got != "" {
		t.Errorf("outside a request the id is %q", got)
	}
}

func TestVersionsLiveSideBySide(t *testing.T) {
	var called []string
	g := gatewaytest.New(t, gateway.Config{Caller: gatewaytest.Caller(func(ctx context.Context, call *runtime.Call) (*runtime.Reply, error) {
		called = append(called, call.Method.Queue())
		return gatewaytest.Echo(ctx, call)
	})})
	for _, version := range []string{"1.0", "1.1"} {
		if w := gatewaytest.Post(g, gatewaytest.FormType, strings.Replace(gatewaytest.SessionKey, "1.0", version, 1)); w.Code != http.StatusOK {
			t.Errorf("version %s: %d %s", version, w.Code, w.Body)
		}
	}
	if want := []string{"server_wxapp_1.0", "server_wxapp_1.1"}; !slices.Equal(called, want) {
		t.Errorf("called %v, want %v", called, want)
	}
}

func TestAccessLog(t *testing.T) {
	var log gatewaytest.Log
	g := gatewaytest.New(t, gateway.Config{Logger: slog.New(slog.NewJSONHandler(&log, nil)), ForwardHeaders: []string{"Authorization"}})
	gatewaytest.Post(g, gatewaytest.FormType, gatewaytest.SessionKey, "X-Request-Id", "id-1", "Authorization", "s3cret")
	gatewaytest.Post(g, gatewaytest.FormType, gatewaytest.Form("module", "nope", "version", "1", "method", "A.B", "bizContent", "{}"))
	got := log.String()
	for _, want := range []string{`"request_id":"id-1"`, `"call":"wxapp/1.0/WxappManager.SessionKey"`, `"status":200`, `"unknown_call":"\"nope/1/A.B\""`, `"status":404`, `"code":"NotFound"`} {
		if !strings.Contains(got, want) {
			t.Errorf("no %s in %s", want, got)
		}
	}
	for _, secret := range []string{"s3cret", "d3JmZGZkc2Y"} {
		if strings.Contains(got, secret) {
			t.Errorf("%s is in the log: %s", secret, got)
		}
	}
}

func TestPanic(t *testing.T) {
	var log gatewaytest.Log
	g := gatewaytest.New(t, gateway.Config{
		Logger: slog.New(slog.NewTextHandler(&log, nil)),
		Caller: gatewaytest.Caller(func(context.Context, *runtime.Call) (*runtime.Reply, error) { panic("boom") }),
	})
	w := gatewaytest.Post(g, gatewaytest.FormType, gatewaytest.SessionKey)
	if f := gatewaytest.FailureOf(t, w); w.Code != http.StatusInternalServerError || f.Code != 13 || f.Reason() != gateway.ReasonPanic || strings.Contains(f.Message, "boom") {
		t.Errorf("got %d %s", w.Code, w.Body)
	}
	if got := log.String(); !strings.Contains(got, "boom") || !strings.Contains(got, "gateway_test.go") || !strings.Contains(got, "status=500") {
		t.Errorf("the panic is not in the log: %s", got)
	}
}

func TestPanicAfterTheResponseHasBegun(t *testing.T) {
	half := func(http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			_, _ = io.WriteString(w, "half")
			_ = http.NewResponseController(w).Flush()
			panic("boom")
		})
	}
	server := httptest.NewServer(gatewaytest.New(t, gateway.Config{Middleware: []gateway.Middleware{half}}))
	defer server.Close()
	defer server.Client().CloseIdleConnections()
	response, err := server.Client().Get(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if body, err := io.ReadAll(response.Body); err == nil {
		t.Errorf("half a response looks whole: %q", body)
	}
}

func TestMiddleware(t *testing.T) {
	var g *gateway.Gateway
	var order []string
	named := func(name string) gateway.Middleware {
		return func(next http.Handler) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				order = append(order, name+" "+gateway.RequestID(r.Context()))
				next.ServeHTTP(w, r)
			})
		}
	}
	refuse := func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.Header.Get("Authorization") == "" {
				g.WriteError(w, r, runtime.NewError(16, "who are you?"))
				return
			}
			next.ServeHTTP(w, r)
		})
	}
	g = gatewaytest.New(t, gateway.Config{Middleware: []gateway.Middleware{named("outer"), named("inner"), refuse}})
	w := gatewaytest.Post(g, gatewaytest.FormType, gatewaytest.SessionKey, "X-Request-Id", "7")
	if f := gatewaytest.FailureOf(t, w); w.Code != http.StatusUnauthorized || f.Message != "who are you?" {
		t.Errorf("got %d %s", w.Code, w.Body)
	}
	if w := gatewaytest.Post(g, gatewaytest.FormType, gatewaytest.SessionKey, "Authorization", "me"); w.Code != http.StatusOK {
		t.Errorf("got %d %s", w.Code, w.Body)
	}
	if want := []string{"outer 7", "inner 7"}; !slices.Equal(order[:2], want) {
		t.Errorf("got %v, want %v", order, want)
	}
}

func TestNewRefuses(t *testing.T) {
	caller := gatewaytest.Caller(gatewaytest.Echo)
	for name, config := range map[string]gateway.Config{
		"no caller":       {},
		"negative time":   {Caller: caller, Timeouts: gateway.Timeouts{Call: -1}},
		"negative size":   {Caller: caller, Limits: gateway.Limits{BodyBytes: -1}},
		"negative number": {Caller: caller, Limits: gateway.Limits{InFlight: -1}},
	} {
		if _, err := gateway.New(config); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

func TestHTTPMethodsAndPaths(t *testing.T) {
	g := gatewaytest.New(t, gateway.Config{})
	for _, test := range []struct {
		method, path string
		status       int
		allow        string
	}{
		{http.MethodGet, "/gateway", 405, "POST"},
		{http.MethodPut, "/gateway", 405, "POST"},
		{"STRANGE", "/gateway", 405, "POST"},
		{http.MethodPost, "/healthz", 405, "GET, HEAD"},
		{http.MethodDelete, "/readyz", 405, "GET, HEAD"},
		{http.MethodPost, "/", 404, ""},
		{http.MethodGet, "/gateway/x", 404, ""},
	} {
		w := httptest.NewRecorder()
		g.ServeHTTP(w, httptest.NewRequest(test.method, test.path, http.NoBody))
		if f := gatewaytest.FailureOf(t, w); w.Code != test.status || w.Header().Get("Allow") != test.allow || f.Reason() == "" {
			t.Errorf("%s %s: got %d, Allow %q, %s", test.method, test.path, w.Code, w.Header().Get("Allow"), w.Body)
		}
	}
}
