package gateway_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"

	"go.uber.org/goleak"
	"google.golang.org/protobuf/proto"

	wxappv1 "github.com/mqrpc/mqrpc/examples/wxapp/proto/wxapp/v1"
	wxappv1p1 "github.com/mqrpc/mqrpc/examples/wxapp/proto/wxapp/v1_1"
	"github.com/mqrpc/mqrpc/gateway"
	"github.com/mqrpc/mqrpc/runtime"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// curlForm is the body of the documentation's curl command.
const curlForm = "module=wxapp&version=1.0&method=WxappManager.SessionKey&bizContent=%7B%22Code%22%3A%22d3JmZGZkc2Y%3D%22%7D"

const (
	formType = "application/x-www-form-urlencoded"
	jsonType = "application/json"
)

// callerFunc is a caller made of a function.
type callerFunc func(ctx context.Context, call *runtime.Call) (*runtime.Reply, error)

func (f callerFunc) Invoke(ctx context.Context, call *runtime.Call) (*runtime.Reply, error) {
	return f(ctx, call)
}

// echo answers SessionKey with its code as the key.
func echo(_ context.Context, call *runtime.Call) (*runtime.Reply, error) {
	var request wxappv1.SessionKeyRequest
	if err := proto.Unmarshal(call.Payload, &request); err != nil {
		return nil, err
	}
	payload, err := proto.Marshal(&wxappv1.SessionKeyResponse{SessionKey: request.GetCode()})
	return &runtime.Reply{Payload: payload}, err
}

// static is the source with both versions of the example.
func static(t testing.TB) gateway.Source {
	t.Helper()
	source, err := gateway.Static(wxappv1.WxappManager_Service, wxappv1p1.WxappManager_Service)
	if err != nil {
		t.Fatal(err)
	}
	return source
}

// newGateway fills in what a test does not care about.
func newGateway(t testing.TB, config gateway.Config) *gateway.Gateway {
	t.Helper()
	if config.Caller == nil {
		config.Caller = callerFunc(echo)
	}
	if config.Sources == nil {
		config.Sources = []gateway.Source{static(t)}
	}
	if config.Logger == nil {
		config.Logger = slog.New(slog.DiscardHandler)
	}
	g, err := gateway.New(config)
	if err != nil {
		t.Fatal(err)
	}
	return g
}

// post sends one call to a handler.
func post(handler http.Handler, contentType, body string, headers ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodPost, "/gateway", strings.NewReader(body))
	r.Header.Set("Content-Type", contentType)
	for i := 0; i+1 < len(headers); i += 2 {
		r.Header.Add(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	handler.ServeHTTP(w, r)
	return w
}

// form encodes parameters, which come in pairs.
func form(pairs ...string) string {
	values := url.Values{}
	for i := 0; i+1 < len(pairs); i += 2 {
		values.Add(pairs[i], pairs[i+1])
	}
	return values.Encode()
}

// failure is what the body of an error says.
type failure struct {
	Code    int    `json:"code"`
	Message string `json:"message"`
	Details []struct {
		Type     string            `json:"@type"`
		Reason   string            `json:"reason"`
		Domain   string            `json:"domain"`
		Metadata map[string]string `json:"metadata"`
		Value    string            `json:"value"`
	} `json:"details"`
}

func failureOf(t testing.TB, w *httptest.ResponseRecorder) failure {
	t.Helper()
	if got := w.Header().Get("Content-Type"); got != jsonType {
		t.Errorf("content type %q", got)
	}
	var f failure
	if err := json.Unmarshal(w.Body.Bytes(), &f); err != nil {
		t.Fatalf("%v in %s", err, w.Body)
	}
	return f
}

func (f failure) reason() string {
	for _, detail := range f.Details {
		if detail.Domain == gateway.Domain {
			return detail.Reason
		}
	}
	return ""
}

// logBuffer collects log lines from several goroutines.
type logBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (l *logBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.Write(p)
}

func (l *logBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.String()
}

func TestCall(t *testing.T) {
	const want = `{"SessionKey":"d3JmZGZkc2Y="}`
	tests := map[string]struct{ contentType, body string }{
		"the curl command":      {formType, curlForm},
		"charset":               {formType + "; charset=UTF-8", curlForm},
		"other parameters":      {formType, curlForm + "&sign=1&sign=2"},
		"JSON, object":          {jsonType, `{"module":"wxapp","version":"1.0","method":"WxappManager.SessionKey","bizContent":{"Code":"d3JmZGZkc2Y="}}`},
		"JSON, string":          {jsonType + "; charset=utf-8", `{"module":"wxapp","version":"1.0","method":"WxappManager.SessionKey","bizContent":"{\"Code\":\"d3JmZGZkc2Y=\"}"}`},
		"JSON, other fields":    {jsonType, ` { "extra":[{}], "module":"wxapp","version":"1.0","method":"WxappManager.SessionKey","bizContent": {"Code":"d3JmZGZkc2Y="} } `},
		"name as in the .proto": {formType, form("module", "wxapp", "version", "1.0", "method", "WxappManager.SessionKey", "bizContent", `{"code":"d3JmZGZkc2Y="}`)},
	}
	g := newGateway(t, gateway.Config{})
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			w := post(g, test.contentType, test.body)
			if w.Code != http.StatusOK || w.Body.String() != want {
				t.Errorf("got %d %s, want 200 %s", w.Code, w.Body, want)
			}
			if got := w.Header().Get("Content-Type"); got != jsonType {
				t.Errorf("content type %q", got)
			}
		})
	}
}

func TestWhatTheCallerGets(t *testing.T) {
	var got *runtime.Call
	g := newGateway(t, gateway.Config{Caller: callerFunc(func(ctx context.Context, call *runtime.Call) (*runtime.Reply, error) {
		got = call
		return echo(ctx, call)
	})})
	post(g, formType, curlForm, "X-Request-Id", "id-1", "Traceparent", "00-a-b-01", "Tracestate", "a=1", "Tracestate", "b=2", "Authorization", "secret")
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
	caller := callerFunc(func(ctx context.Context, call *runtime.Call) (*runtime.Reply, error) {
		got = call.Metadata
		return echo(ctx, call)
	})
	g := newGateway(t, gateway.Config{Caller: caller, ForwardHeaders: []string{"Authorization"}})
	post(g, formType, curlForm, "Authorization", "Bearer \xff", "Traceparent", "x")
	if got["authorization"] != "Bearer \uFFFD" || got.Get("traceparent") != "" {
		t.Errorf("got %q", got)
	}
	if _, err := gateway.New(gateway.Config{Caller: caller, ForwardHeaders: []string{"Mqrpc-Instance"}}); err == nil {
		t.Error("reserved metadata can be forwarded")
	}
}

func TestRequestID(t *testing.T) {
	g := newGateway(t, gateway.Config{})
	for given, kept := range map[string]bool{
		"": false, "abc-1.2_3:4/5+6=7@8,9": true, "with space": false, "a\"b": false,
		strings.Repeat("x", 128): true, strings.Repeat("x", 129): false,
	} {
		got := post(g, formType, curlForm, "X-Request-Id", given).Header().Get("X-Request-Id")
		if kept && got != given || !kept && len(got) != 32 {
			t.Errorf("%q became %q", given, got)
		}
	}
	if got := post(g, formType, "bad=%").Header().Get("X-Request-Id"); got == "" {
		t.Error("an error comes without a request id")
	}
	if got := gateway.RequestID(t.Context()); got != "" {
		t.Errorf("outside a request the id is %q", got)
	}
}

func TestVersionsLiveSideBySide(t *testing.T) {
	var called []string
	g := newGateway(t, gateway.Config{Caller: callerFunc(func(ctx context.Context, call *runtime.Call) (*runtime.Reply, error) {
		called = append(called, call.Method.Queue())
		return echo(ctx, call)
	})})
	for _, version := range []string{"1.0", "1.1"} {
		if w := post(g, formType, strings.Replace(curlForm, "1.0", version, 1)); w.Code != http.StatusOK {
			t.Errorf("version %s: %d %s", version, w.Code, w.Body)
		}
	}
	if want := []string{"server_wxapp_1.0", "server_wxapp_1.1"}; !slices.Equal(called, want) {
		t.Errorf("called %v, want %v", called, want)
	}
}

func TestAccessLog(t *testing.T) {
	var log logBuffer
	g := newGateway(t, gateway.Config{Logger: slog.New(slog.NewJSONHandler(&log, nil)), ForwardHeaders: []string{"Authorization"}})
	post(g, formType, curlForm, "X-Request-Id", "id-1", "Authorization", "s3cret")
	post(g, formType, form("module", "nope", "version", "1", "method", "A.B", "bizContent", "{}"))
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
	var log logBuffer
	g := newGateway(t, gateway.Config{
		Logger: slog.New(slog.NewTextHandler(&log, nil)),
		Caller: callerFunc(func(context.Context, *runtime.Call) (*runtime.Reply, error) { panic("boom") }),
	})
	w := post(g, formType, curlForm)
	if f := failureOf(t, w); w.Code != http.StatusInternalServerError || f.Code != 13 || f.reason() != gateway.ReasonPanic || strings.Contains(f.Message, "boom") {
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
	server := httptest.NewServer(newGateway(t, gateway.Config{Middleware: []gateway.Middleware{half}}))
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
	g = newGateway(t, gateway.Config{Middleware: []gateway.Middleware{named("outer"), named("inner"), refuse}})
	w := post(g, formType, curlForm, "X-Request-Id", "7")
	if f := failureOf(t, w); w.Code != http.StatusUnauthorized || f.Message != "who are you?" {
		t.Errorf("got %d %s", w.Code, w.Body)
	}
	if w := post(g, formType, curlForm, "Authorization", "me"); w.Code != http.StatusOK {
		t.Errorf("got %d %s", w.Code, w.Body)
	}
	if want := []string{"outer 7", "inner 7"}; !slices.Equal(order[:2], want) {
		t.Errorf("got %v, want %v", order, want)
	}
}

func TestNewRefuses(t *testing.T) {
	caller := callerFunc(echo)
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
