// Package gatewaytest is what the tests of the gateway, its fronts and its
// filters share: a gateway of the example's APIs, callers without a broker, and
// requests to POST /gateway.
package gatewaytest

import (
	"bytes"
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/mqrpc/mqrpc/catalog"
	wxappv1 "github.com/mqrpc/mqrpc/examples/wxapp/proto/wxapp/v1"
	wxappv1p1 "github.com/mqrpc/mqrpc/examples/wxapp/proto/wxapp/v1_1"
	"github.com/mqrpc/mqrpc/gateway"
	"github.com/mqrpc/mqrpc/gateway/filter/defaultresponse"
	"github.com/mqrpc/mqrpc/gateway/filter/disabled"
	"github.com/mqrpc/mqrpc/gateway/filter/limit"
	"github.com/mqrpc/mqrpc/gateway/form"
	mqrpcv1 "github.com/mqrpc/mqrpc/proto/mqrpc/v1"
	"github.com/mqrpc/mqrpc/runtime"
)

// The media types of requests to POST /gateway.
const (
	FormType = "application/x-www-form-urlencoded"
	JSONType = "application/json"
)

// SessionKey is a call as a form: the body of the documentation's curl command.
const SessionKey = "module=wxapp&version=1.0&method=WxappManager.SessionKey&bizContent=%7B%22Code%22%3A%22d3JmZGZkc2Y%3D%22%7D"

// SessionKeyAnswer is what [Echo] answers to it.
const SessionKeyAnswer = `{"SessionKey":"d3JmZGZkc2Y="}`

// Caller is a [runtime.Caller] made of a function.
type Caller func(ctx context.Context, call *runtime.Call) (*runtime.Reply, error)

// Invoke implements [runtime.Caller].
func (f Caller) Invoke(ctx context.Context, call *runtime.Call) (*runtime.Reply, error) {
	return f(ctx, call)
}

// Echo answers SessionKey with its code as the key.
func Echo(_ context.Context, call *runtime.Call) (*runtime.Reply, error) {
	var request wxappv1.SessionKeyRequest
	if err := proto.Unmarshal(call.Payload, &request); err != nil {
		return nil, err
	}
	payload, err := proto.Marshal(&wxappv1.SessionKeyResponse{SessionKey: request.GetCode()})
	return &runtime.Reply{Payload: payload}, err
}

// Failing is a caller whose calls fail.
func Failing(err error) Caller {
	return func(context.Context, *runtime.Call) (*runtime.Reply, error) { return nil, err }
}

// Waiting is a caller whose calls last as long as their context.
func Waiting(started chan<- struct{}) Caller {
	return func(ctx context.Context, _ *runtime.Call) (*runtime.Reply, error) {
		started <- struct{}{}
		<-ctx.Done()
		return nil, runtime.AsError(ctx.Err())
	}
}

// Source is a [gateway.Source] made of a function.
type Source func(ctx context.Context, module, version string) (*catalog.API, error)

// API implements [gateway.Source].
func (s Source) API(ctx context.Context, module, version string) (*catalog.API, error) {
	return s(ctx, module, version)
}

// Static is the source with both versions of the example.
func Static(t testing.TB) gateway.Source {
	t.Helper()
	source, err := gateway.Static(wxappv1.WxappManager_Service, wxappv1p1.WxappManager_Service)
	if err != nil {
		t.Fatal(err)
	}
	return source
}

// WithPolicy is the example's API wxapp/1.0 under a policy.
func WithPolicy(policy *mqrpcv1.Policy) *catalog.API {
	return &catalog.API{Module: "wxapp", Version: "1.0", Services: []*runtime.Service{wxappv1.WxappManager_Service}, Policy: policy}
}

// Only is a source that has one API under every name.
func Only(api *catalog.API) []gateway.Source {
	return []gateway.Source{Source(func(context.Context, string, string) (*catalog.API, error) { return api, nil })}
}

// Filters are the filters of mqrpc gateway.
func Filters() []gateway.Filter {
	return []gateway.Filter{limit.InFlight(limit.DefaultInFlight), defaultresponse.New(), disabled.New()}
}

// New returns a gateway, and fills in what a test does not care about: [Echo],
// [Static], the front form, [Filters], and a logger that discards.
func New(t testing.TB, config gateway.Config) *gateway.Gateway {
	t.Helper()
	if config.Caller == nil {
		config.Caller = Caller(Echo)
	}
	if config.Sources == nil {
		config.Sources = []gateway.Source{Static(t)}
	}
	if config.Fronts == nil {
		config.Fronts = []gateway.Front{form.New()}
	}
	if config.Filters == nil {
		config.Filters = Filters()
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

// Post sends one call to a handler. The headers are names and values.
func Post(handler http.Handler, contentType, body string, headers ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodPost, form.Path, strings.NewReader(body))
	r.Header.Set("Content-Type", contentType)
	for i := 0; i+1 < len(headers); i += 2 {
		r.Header.Add(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	handler.ServeHTTP(w, r)
	return w
}

// Get asks a handler for a path.
func Get(handler http.Handler, path string) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	handler.ServeHTTP(w, httptest.NewRequest(http.MethodGet, path, http.NoBody))
	return w
}

// Form encodes parameters, which come in pairs of name and value.
func Form(pairs ...string) string {
	values := url.Values{}
	for i := 0; i+1 < len(pairs); i += 2 {
		values.Add(pairs[i], pairs[i+1])
	}
	return values.Encode()
}

// Call is the form of a call of wxapp/1.0.
func Call(method, bizContent string) string {
	return Form("module", "wxapp", "version", "1.0", "method", method, "bizContent", bizContent)
}

// Failure is what the body of an error says.
type Failure struct {
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

// FailureOf reads the body of an error.
func FailureOf(t testing.TB, w *httptest.ResponseRecorder) Failure {
	t.Helper()
	if got := w.Header().Get("Content-Type"); got != JSONType {
		t.Errorf("content type %q", got)
	}
	var f Failure
	if err := json.Unmarshal(w.Body.Bytes(), &f); err != nil {
		t.Fatalf("%v in %s", err, w.Body)
	}
	return f
}

// Reason is the reason of an error of the gateway's own, "" for any other.
func (f Failure) Reason() string {
	for _, detail := range f.Details {
		if detail.Domain == gateway.Domain {
			return detail.Reason
		}
	}
	return ""
}

// Log collects the lines of a log from several goroutines.
type Log struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

// Write implements [io.Writer].
func (l *Log) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.Write(p)
}

// String is all that has been logged.
func (l *Log) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.String()
}

// Await waits for a condition that becomes true soon.
func Await(t testing.TB, what string, condition func() bool) {
	t.Helper()
	ticker := time.NewTicker(time.Millisecond)
	defer ticker.Stop()
	timeout := time.After(10 * time.Second)
	for !condition() {
		select {
		case <-ticker.C:
		case <-timeout:
			t.Fatalf("waited in vain for %s", what)
		}
	}
}

// CheckOneCall checks a gateway that lets one call through at a time: a second
// one is refused, and one of another version of the module answers with the
// given status. Afterwards there is room again.
func CheckOneCall(t *testing.T, config gateway.Config, otherVersion int) {
	t.Helper()
	started, release := make(chan struct{}), make(chan struct{})
	config.Caller = Caller(func(_ context.Context, call *runtime.Call) (*runtime.Reply, error) {
		if call.Method.Version == "1.0" {
			started <- struct{}{}
			<-release
		}
		return &runtime.Reply{}, nil
	})
	g := New(t, config)
	first := make(chan int)
	go func() { first <- Post(g, FormType, SessionKey).Code }()
	<-started
	w := Post(g, FormType, SessionKey)
	if f := FailureOf(t, w); w.Code != 503 || f.Reason() != gateway.ReasonTooManyCalls || w.Header().Get("Retry-After") != "1" {
		t.Errorf("got %d %s", w.Code, w.Body)
	}
	if w := Post(g, FormType, strings.Replace(SessionKey, "1.0", "1.1", 1)); w.Code != otherVersion {
		t.Errorf("the other version: got %d %s", w.Code, w.Body)
	}
	close(release)
	if got := <-first; got != 200 {
		t.Errorf("the first call: %d", got)
	}
	go func() { <-started }()
	if w := Post(g, FormType, SessionKey); w.Code != 200 {
		t.Errorf("afterwards: %d %s", w.Code, w.Body)
	}
}
