package form_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"google.golang.org/grpc/codes"

	"github.com/mqrpc/mqrpc/catalog"
	mqrpcv1 "github.com/mqrpc/mqrpc/proto/mqrpc/v1"
	"github.com/mqrpc/mqrpc/runtime"

	"go.uber.org/goleak"

	"github.com/mqrpc/mqrpc/gateway"
	"github.com/mqrpc/mqrpc/gateway/form"
	"github.com/mqrpc/mqrpc/gateway/gatewaytest"
	"github.com/mqrpc/mqrpc/transcode"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestCall(t *testing.T) {
	const want = gatewaytest.SessionKeyAnswer
	tests := map[string]struct{ contentType, body string }{
		"the curl command":      {gatewaytest.FormType, gatewaytest.SessionKey},
		"charset":               {gatewaytest.FormType + "; charset=UTF-8", gatewaytest.SessionKey},
		"other parameters":      {gatewaytest.FormType, gatewaytest.SessionKey + "&sign=1&sign=2"},
		"JSON, object":          {gatewaytest.JSONType, `{"module":"wxapp","version":"1.0","method":"WxappManager.SessionKey","bizContent":{"Code":"d3JmZGZkc2Y="}}`},
		"JSON, string":          {gatewaytest.JSONType + "; charset=utf-8", `{"module":"wxapp","version":"1.0","method":"WxappManager.SessionKey","bizContent":"{\"Code\":\"d3JmZGZkc2Y=\"}"}`},
		"JSON, other fields":    {gatewaytest.JSONType, ` { "extra":[{}], "module":"wxapp","version":"1.0","method":"WxappManager.SessionKey","bizContent": {"Code":"d3JmZGZkc2Y="} } `},
		"name as in the .proto": {gatewaytest.FormType, gatewaytest.Form("module", "wxapp", "version", "1.0", "method", "WxappManager.SessionKey", "bizContent", `{"code":"d3JmZGZkc2Y="}`)},
	}
	g := gatewaytest.New(t, gateway.Config{})
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			w := gatewaytest.Post(g, test.contentType, test.body)
			if w.Code != http.StatusOK || w.Body.String() != want {
				t.Errorf("got %d %s, want 200 %s", w.Code, w.Body, want)
			}
			if got := w.Header().Get("Content-Type"); got != gatewaytest.JSONType {
				t.Errorf("content type %q", got)
			}
		})
	}
}

func TestParameterOfAnError(t *testing.T) {
	g := gatewaytest.New(t, gateway.Config{})
	f := gatewaytest.FailureOf(t, gatewaytest.Post(g, gatewaytest.FormType, strings.Replace(gatewaytest.SessionKey, "version=1.0", "version=2", 1)))
	if len(f.Details) != 1 || f.Details[0].Metadata["parameter"] != "version" || f.Details[0].Type != "type.googleapis.com/google.rpc.ErrorInfo" {
		t.Errorf("got %+v", f)
	}
}

func TestUnknownFieldsAreIgnoredByOption(t *testing.T) {
	g := gatewaytest.New(t, gateway.Config{JSON: transcode.Options{DiscardUnknown: true}})
	w := gatewaytest.Post(g, gatewaytest.FormType, call(`{"Code":"YQ==","New":{"x":1}}`))
	if w.Code != http.StatusOK || w.Body.String() != `{"SessionKey":"YQ=="}` {
		t.Errorf("got %d %s", w.Code, w.Body)
	}
}

func TestBodyOfUnknownLength(t *testing.T) {
	g := gatewaytest.New(t, gateway.Config{Limits: gateway.Limits{BodyBytes: 200}})
	for body, status := range map[string]int{gatewaytest.SessionKey: 200, strings.Repeat("x", 201): 413} {
		r := httptest.NewRequest(http.MethodPost, "/gateway", strings.NewReader(body))
		r.ContentLength = -1
		r.Header.Set("Content-Type", gatewaytest.FormType)
		w := httptest.NewRecorder()
		g.ServeHTTP(w, r)
		if w.Code != status {
			t.Errorf("%d bytes: got %d %s, want %d", len(body), w.Code, w.Body, status)
		}
	}
}

func TestContentEncoding(t *testing.T) {
	g := gatewaytest.New(t, gateway.Config{})
	if w := gatewaytest.Post(g, gatewaytest.FormType, gatewaytest.SessionKey, "Content-Encoding", "gzip"); w.Code != http.StatusUnsupportedMediaType {
		t.Errorf("got %d %s", w.Code, w.Body)
	}
	if w := gatewaytest.Post(g, gatewaytest.FormType, gatewaytest.SessionKey, "Content-Encoding", "identity"); w.Code != http.StatusOK {
		t.Errorf("got %d %s", w.Code, w.Body)
	}
}

func TestTimeoutHeader(t *testing.T) {
	g := gatewaytest.New(t, gateway.Config{})
	for _, bad := range []string{"5", "-1s", "0s", "soon", strings.Repeat("9", 5000) + "s"} {
		w := gatewaytest.Post(g, gatewaytest.FormType, gatewaytest.SessionKey, form.TimeoutHeader, bad)
		if f := gatewaytest.FailureOf(t, w); w.Code != http.StatusBadRequest || f.Reason() != gateway.ReasonInvalidTimeout || len(f.Message) > 300 {
			t.Errorf("%.20s: got %d %s", bad, w.Code, w.Body)
		}
	}
}

// TestEveryOutcomeInEveryMediaType: however the parameters come, the answer is
// the same.
func TestEveryOutcomeInEveryMediaType(t *testing.T) {
	const fields = `"module":"wxapp","version":"1.0","method":"WxappManager.SessionKey","bizContent":`
	media := map[string]struct{ contentType, body string }{
		"form":         {gatewaytest.FormType, gatewaytest.SessionKey},
		"JSON, object": {gatewaytest.JSONType, `{` + fields + `{"Code":"d3JmZGZkc2Y="}}`},
		"JSON, string": {gatewaytest.JSONType, `{` + fields + `"{\"Code\":\"d3JmZGZkc2Y=\"}"}`},
	}
	standIn := &mqrpcv1.Policy{DefaultResponses: map[string]string{"*": `{"SessionKey":"c3RhbmQtaW4="}`}}
	refusing := gateway.Filter{Stage: gateway.StageAuthenticate, Wrap: func(*catalog.API, gateway.Handler) gateway.Handler {
		return func(context.Context, *gateway.Request) gateway.Response {
			return gateway.Response{Err: runtime.NewError(codes.Unauthenticated, "who are you?"), Metadata: runtime.Metadata{"mqrpc-realm": "here"}}
		}
	}}
	outcomes := map[string]struct {
		config        gateway.Config
		status        int
		body          string
		header, value string
	}{
		"answer":           {gateway.Config{}, 200, gatewaytest.SessionKeyAnswer, gateway.DefaultResponseHeader, ""},
		"service's error":  {gateway.Config{Caller: gatewaytest.Failing(runtime.NewError(codes.NotFound, "gone"))}, 404, `{"code":5,"message":"gone"}`, "Retry-After", ""},
		"filter's refusal": {gateway.Config{Filters: []gateway.Filter{refusing}}, 401, `{"code":16,"message":"who are you?"}`, "X-Mqrpc-Realm", "here"},
		"default response": {gateway.Config{Caller: gatewaytest.Failing(context.DeadlineExceeded), Sources: gatewaytest.Only(gatewaytest.WithPolicy(standIn))}, 200, `{"SessionKey":"c3RhbmQtaW4="}`, gateway.DefaultResponseHeader, "silent"},
	}
	for outcome, want := range outcomes {
		for medium, given := range media {
			t.Run(outcome+", "+medium, func(t *testing.T) {
				w := gatewaytest.Post(gatewaytest.New(t, want.config), given.contentType, given.body)
				if w.Code != want.status || w.Body.String() != want.body {
					t.Errorf("got %d %s, want %d %s", w.Code, w.Body, want.status, want.body)
				}
				if got := w.Header().Get(want.header); got != want.value {
					t.Errorf("%s is %q, want %q", want.header, got, want.value)
				}
			})
		}
	}
}
