package gateway_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/mqrpc/mqrpc/gateway"
	"github.com/mqrpc/mqrpc/transcode"
)

// call is the form of a call of SessionKey with that bizContent.
func call(bizContent string) string {
	return form("module", "wxapp", "version", "1.0", "method", "WxappManager.SessionKey", "bizContent", bizContent)
}

func TestBadInput(t *testing.T) {
	const tail = `,"version":"1.0","method":"WxappManager.SessionKey","bizContent":{}}`
	long := strings.Repeat("x", 10_000)
	tests := map[string]struct {
		contentType, body string
		status            int
		reason, message   string
	}{
		"unknown module":  {formType, form("module", "nope", "version", "1.0", "method", "WxappManager.SessionKey", "bizContent", "{}"), 404, gateway.ReasonUnknownModule, `unknown module: there is no module "nope"`},
		"unknown version": {formType, form("module", "wxapp", "version", "9.9", "method", "WxappManager.SessionKey", "bizContent", "{}"), 404, gateway.ReasonUnknownVersion, `unknown version: module "wxapp" has no version "9.9"`},
		"unknown method":  {formType, form("module", "wxapp", "version", "1.0", "method", "WxappManager.Nope", "bizContent", "{}"), 404, gateway.ReasonUnknownMethod, `unknown method: wxapp/1.0 has no method "WxappManager.Nope"`},
		"only in another": {formType, form("module", "wxapp", "version", "1.1", "method", "WxappManager.SendMessage", "bizContent", "{}"), 404, gateway.ReasonUnknownMethod, `wxapp/1.1 has no method "WxappManager.SendMessage"`},
		"bad module":      {formType, form("module", "a/b", "version", "1.0", "method", "A.B", "bizContent", "{}"), 404, gateway.ReasonUnknownModule, `must begin with a letter`},
		"long module":     {formType, form("module", long, "version", "1.0", "method", "A.B", "bizContent", "{}"), 404, gateway.ReasonUnknownModule, `10000 bytes`},
		"bad version":     {formType, form("module", "wxapp", "version", "1_0", "method", "A.B", "bizContent", "{}"), 404, gateway.ReasonUnknownVersion, `unknown version`},
		"long version":    {formType, form("module", "wxapp", "version", long, "method", "A.B", "bizContent", "{}"), 404, gateway.ReasonUnknownVersion, `10000 bytes`},
		"bad method":      {formType, form("module", "wxapp", "version", "1.0", "method", "SessionKey", "bizContent", "{}"), 404, gateway.ReasonUnknownMethod, `Service.Method`},
		"long method":     {formType, form("module", "wxapp", "version", "1.0", "method", "A."+long, "bizContent", "{}"), 404, gateway.ReasonUnknownMethod, `10002 bytes`},

		"no module":           {formType, "version=1.0&method=A.B&bizContent={}", 400, gateway.ReasonMissingParameter, "parameter module is missing"},
		"empty version":       {formType, "module=wxapp&version=&method=A.B&bizContent={}", 400, gateway.ReasonMissingParameter, "parameter version is missing"},
		"no method":           {formType, "module=wxapp&version=1.0&bizContent={}", 400, gateway.ReasonMissingParameter, "parameter method is missing"},
		"no bizContent":       {formType, "module=wxapp&version=1.0&method=A.B", 400, gateway.ReasonMissingParameter, "parameter bizContent is missing"},
		"blank bizContent":    {formType, "module=wxapp&version=1.0&method=A.B&bizContent=+", 400, gateway.ReasonMissingParameter, "parameter bizContent is missing"},
		"empty body":          {formType, "", 400, gateway.ReasonMissingParameter, "parameter module is missing"},
		"module twice":        {formType, curlForm + "&module=wxapp", 400, gateway.ReasonDuplicateParameter, "parameter module is given more than once"},
		"bizContent twice":    {formType, curlForm + "&bizContent={}", 400, gateway.ReasonDuplicateParameter, "parameter bizContent is given more than once"},
		"bad escape":          {formType, "module=%zz", 400, gateway.ReasonMalformedBody, `"%zz"`},
		"JSON: no module":     {jsonType, `{"version":"1.0"}`, 400, gateway.ReasonMissingParameter, "parameter module is missing"},
		"JSON: null":          {jsonType, `{"module":"a","version":"1","method":"A.B","bizContent":null}`, 400, gateway.ReasonMissingParameter, "parameter bizContent is missing"},
		"JSON: module twice":  {jsonType, `{"module":"a","module":"b"` + tail, 400, gateway.ReasonDuplicateParameter, "parameter module is given more than once"},
		"JSON: number":        {jsonType, `{"module":1.0` + tail, 400, gateway.ReasonInvalidParameter, `parameter module is not a string but "1.0"`},
		"JSON: array":         {jsonType, `[]`, 400, gateway.ReasonMalformedBody, "not a JSON object"},
		"JSON: cut short":     {jsonType, `{"module":"wxapp",`, 400, gateway.ReasonMalformedBody, "line 1:19: unexpected end of JSON input"},
		"JSON: syntax":        {jsonType, "{\n \"module\": wxapp}", 400, gateway.ReasonMalformedBody, "line 2:12: invalid character 'w'"},
		"JSON: no comma":      {jsonType, `{"module":"a" "version":"b"}`, 400, gateway.ReasonMalformedBody, "line 1:15: invalid character"},
		"JSON: goes on":       {jsonType, `{"module":"wxapp"` + tail + `{}`, 400, gateway.ReasonMalformedBody, "goes on after its JSON object"},
		"JSON: empty":         {jsonType, ``, 400, gateway.ReasonMalformedBody, "unexpected end"},
		"JSON: far too deep":  {jsonType, `{"x":` + strings.Repeat("[", 100_000), 400, gateway.ReasonMalformedBody, "exceeded max depth"},
		"JSON: UTF-16":        {jsonType, "\xff\xfe{\x00", 400, gateway.ReasonMalformedBody, "line 1:1"},
		"bizContent: cut":     {formType, call(`{"Code":`), 400, gateway.ReasonInvalidBizContent, "bizContent is not a wxapp.v1.SessionKeyRequest: syntax error (line 1:9): unexpected end"},
		"bizContent: array":   {formType, call(`[]`), 400, gateway.ReasonInvalidBizContent, "(line 1:1): unexpected token ["},
		"bizContent: type":    {formType, call(`{"Code":7}`), 400, gateway.ReasonInvalidBizContent, "(line 1:9): invalid value for bytes field Code: 7"},
		"bizContent: base64":  {formType, call(`{"Code":"***"}`), 400, gateway.ReasonInvalidBizContent, `invalid value for bytes field Code: "***"`},
		"bizContent: unknown": {formType, call(`{"Cod":""}`), 400, gateway.ReasonInvalidBizContent, `(line 1:2): unknown field "Cod"`},
		"bizContent: twice":   {formType, call(`{"Code":"","Code":""}`), 400, gateway.ReasonInvalidBizContent, `duplicate field "Code"`},
		"bizContent: deep":    {formType, call(strings.Repeat(`{"Code":`, 101)), 400, gateway.ReasonInvalidBizContent, "(line 1:801): nested deeper than 100 levels"},
		"bizContent: UTF-8":   {formType, call("{\"Code\":\"\xff\"}"), 400, gateway.ReasonInvalidBizContent, "invalid UTF-8"},

		"no content type":      {"", curlForm, 415, gateway.ReasonUnsupportedType, `content type "" is not supported`},
		"other content type":   {"text/xml", curlForm, 415, gateway.ReasonUnsupportedType, `content type "text/xml" is not supported; supported: application/x-www-form-urlencoded, application/json`},
		"multipart":            {"multipart/form-data; boundary=x", curlForm, 415, gateway.ReasonUnsupportedType, "is not supported"},
		"garbled content type": {"a/b/c; =", curlForm, 415, gateway.ReasonUnsupportedType, "is not supported"},
		"long content type":    {long, curlForm, 415, gateway.ReasonUnsupportedType, "is not supported"},
		"too large":            {formType, strings.Repeat("x", 100_001), 413, gateway.ReasonBodyTooLarge, "the body is larger than 100000 bytes"},
	}
	g := newGateway(t, gateway.Config{Limits: gateway.Limits{BodyBytes: 100_000}})
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			if strings.Contains(name, "far too deep") {
				test.body = test.body[:99_000]
			}
			w := post(g, test.contentType, test.body)
			f := failureOf(t, w)
			if w.Code != test.status || f.reason() != test.reason || !strings.Contains(f.Message, test.message) {
				t.Errorf("got  %d %s %s\nwant %d %s %s", w.Code, f.reason(), f.Message, test.status, test.reason, test.message)
			}
			if w.Body.Len() > 1000 {
				t.Errorf("the answer has %d bytes", w.Body.Len())
			}
		})
	}
}

func TestParameterOfAnError(t *testing.T) {
	g := newGateway(t, gateway.Config{})
	f := failureOf(t, post(g, formType, strings.Replace(curlForm, "version=1.0", "version=2", 1)))
	if len(f.Details) != 1 || f.Details[0].Metadata["parameter"] != "version" || f.Details[0].Type != "type.googleapis.com/google.rpc.ErrorInfo" {
		t.Errorf("got %+v", f)
	}
}

func TestUnknownFieldsAreIgnoredByOption(t *testing.T) {
	g := newGateway(t, gateway.Config{JSON: transcode.Options{DiscardUnknown: true}})
	w := post(g, formType, call(`{"Code":"YQ==","New":{"x":1}}`))
	if w.Code != http.StatusOK || w.Body.String() != `{"SessionKey":"YQ=="}` {
		t.Errorf("got %d %s", w.Code, w.Body)
	}
}

func TestBodyOfUnknownLength(t *testing.T) {
	g := newGateway(t, gateway.Config{Limits: gateway.Limits{BodyBytes: 200}})
	for body, status := range map[string]int{curlForm: 200, strings.Repeat("x", 201): 413} {
		r := httptest.NewRequest(http.MethodPost, "/gateway", strings.NewReader(body))
		r.ContentLength = -1
		r.Header.Set("Content-Type", formType)
		w := httptest.NewRecorder()
		g.ServeHTTP(w, r)
		if w.Code != status {
			t.Errorf("%d bytes: got %d %s, want %d", len(body), w.Code, w.Body, status)
		}
	}
}

func TestContentEncoding(t *testing.T) {
	g := newGateway(t, gateway.Config{})
	if w := post(g, formType, curlForm, "Content-Encoding", "gzip"); w.Code != http.StatusUnsupportedMediaType {
		t.Errorf("got %d %s", w.Code, w.Body)
	}
	if w := post(g, formType, curlForm, "Content-Encoding", "identity"); w.Code != http.StatusOK {
		t.Errorf("got %d %s", w.Code, w.Body)
	}
}

func TestHTTPMethodsAndPaths(t *testing.T) {
	g := newGateway(t, gateway.Config{})
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
		if f := failureOf(t, w); w.Code != test.status || w.Header().Get("Allow") != test.allow || f.reason() == "" {
			t.Errorf("%s %s: got %d, Allow %q, %s", test.method, test.path, w.Code, w.Header().Get("Allow"), w.Body)
		}
	}
}

func TestTimeoutHeader(t *testing.T) {
	g := newGateway(t, gateway.Config{})
	for _, bad := range []string{"5", "-1s", "0s", "soon", strings.Repeat("9", 5000) + "s"} {
		w := post(g, formType, curlForm, gateway.TimeoutHeader, bad)
		if f := failureOf(t, w); w.Code != http.StatusBadRequest || f.reason() != gateway.ReasonInvalidTimeout || len(f.Message) > 300 {
			t.Errorf("%.20s: got %d %s", bad, w.Code, w.Body)
		}
	}
}
