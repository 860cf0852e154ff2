package form_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

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
