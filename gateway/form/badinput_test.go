package form_test

import (
	"strings"
	"testing"

	"github.com/mqrpc/mqrpc/gateway"
	"github.com/mqrpc/mqrpc/gateway/gatewaytest"
)

// call is the form of a call of SessionKey with that bizContent.
func call(bizContent string) string {
	return gatewaytest.Form("module", "wxapp", "version", "1.0", "method", "WxappManager.SessionKey", "bizContent", bizContent)
}

func TestBadInput(t *testing.T) {
	const tail = `,"version":"1.0","method":"WxappManager.SessionKey","bizContent":{}}`
	long := strings.Repeat("x", 10_000)
	tests := map[string]struct {
		contentType, body string
		status            int
		reason, message   string
	}{
		"unknown module":  {gatewaytest.FormType, gatewaytest.Form("module", "nope", "version", "1.0", "method", "WxappManager.SessionKey", "bizContent", "{}"), 404, gateway.ReasonUnknownModule, `unknown module: there is no module "nope"`},
		"unknown version": {gatewaytest.FormType, gatewaytest.Form("module", "wxapp", "version", "9.9", "method", "WxappManager.SessionKey", "bizContent", "{}"), 404, gateway.ReasonUnknownVersion, `unknown version: module "wxapp" has no version "9.9"`},
		"unknown method":  {gatewaytest.FormType, gatewaytest.Form("module", "wxapp", "version", "1.0", "method", "WxappManager.Nope", "bizContent", "{}"), 404, gateway.ReasonUnknownMethod, `unknown method: wxapp/1.0 has no method "WxappManager.Nope"`},
		"only in another": {gatewaytest.FormType, gatewaytest.Form("module", "wxapp", "version", "1.1", "method", "WxappManager.SendMessage", "bizContent", "{}"), 404, gateway.ReasonUnknownMethod, `wxapp/1.1 has no method "WxappManager.SendMessage"`},
		"bad module":      {gatewaytest.FormType, gatewaytest.Form("module", "a/b", "version", "1.0", "method", "A.B", "bizContent", "{}"), 404, gateway.ReasonUnknownModule, `must begin with a letter`},
		"long module":     {gatewaytest.FormType, gatewaytest.Form("module", long, "version", "1.0", "method", "A.B", "bizContent", "{}"), 404, gateway.ReasonUnknownModule, `10000 bytes`},
		"bad version":     {gatewaytest.FormType, gatewaytest.Form("module", "wxapp", "version", "1_0", "method", "A.B", "bizContent", "{}"), 404, gateway.ReasonUnknownVersion, `unknown version`},
		"long version":    {gatewaytest.FormType, gatewaytest.Form("module", "wxapp", "version", long, "method", "A.B", "bizContent", "{}"), 404, gateway.ReasonUnknownVersion, `10000 bytes`},
		"bad method":      {gatewaytest.FormType, gatewaytest.Form("module", "wxapp", "version", "1.0", "method", "SessionKey", "bizContent", "{}"), 404, gateway.ReasonUnknownMethod, `Service.Method`},
		"long method":     {gatewaytest.FormType, gatewaytest.Form("module", "wxapp", "version", "1.0", "method", "A."+long, "bizContent", "{}"), 404, gateway.ReasonUnknownMethod, `10002 bytes`},

		"no module":           {gatewaytest.FormType, "version=1.0&method=A.B&bizContent={}", 400, gateway.ReasonMissingParameter, "parameter module is missing"},
		"empty version":       {gatewaytest.FormType, "module=wxapp&version=&method=A.B&bizContent={}", 400, gateway.ReasonMissingParameter, "parameter version is missing"},
		"no method":           {gatewaytest.FormType, "module=wxapp&version=1.0&bizContent={}", 400, gateway.ReasonMissingParameter, "parameter method is missing"},
		"no bizContent":       {gatewaytest.FormType, "module=wxapp&version=1.0&method=A.B", 400, gateway.ReasonMissingParameter, "parameter bizContent is missing"},
		"blank bizContent":    {gatewaytest.FormType, "module=wxapp&version=1.0&method=A.B&bizContent=+", 400, gateway.ReasonMissingParameter, "parameter bizContent is missing"},
		"empty body":          {gatewaytest.FormType, "", 400, gateway.ReasonMissingParameter, "parameter module is missing"},
		"module twice":        {gatewaytest.FormType, gatewaytest.SessionKey + "&module=wxapp", 400, gateway.ReasonDuplicateParameter, "parameter module is given more than once"},
		"bizContent twice":    {gatewaytest.FormType, gatewaytest.SessionKey + "&bizContent={}", 400, gateway.ReasonDuplicateParameter, "parameter bizContent is given more than once"},
		"bad escape":          {gatewaytest.FormType, "module=%zz", 400, gateway.ReasonMalformedBody, `"%zz"`},
		"JSON: no module":     {gatewaytest.JSONType, `{"version":"1.0"}`, 400, gateway.ReasonMissingParameter, "parameter module is missing"},
		"JSON: null":          {gatewaytest.JSONType, `{"module":"a","version":"1","method":"A.B","bizContent":null}`, 400, gateway.ReasonMissingParameter, "parameter bizContent is missing"},
		"JSON: module twice":  {gatewaytest.JSONType, `{"module":"a","module":"b"` + tail, 400, gateway.ReasonDuplicateParameter, "parameter module is given more than once"},
		"JSON: number":        {gatewaytest.JSONType, `{"module":1.0` + tail, 400, gateway.ReasonInvalidParameter, `parameter module is not a string but "1.0"`},
		"JSON: array":         {gatewaytest.JSONType, `[]`, 400, gateway.ReasonMalformedBody, "not a JSON object"},
		"JSON: cut short":     {gatewaytest.JSONType, `{"module":"wxapp",`, 400, gateway.ReasonMalformedBody, "line 1:19: unexpected end of JSON input"},
		"JSON: syntax":        {gatewaytest.JSONType, "{\n \"module\": wxapp}", 400, gateway.ReasonMalformedBody, "line 2:12: invalid character 'w'"},
		"JSON: no comma":      {gatewaytest.JSONType, `{"module":"a" "version":"b"}`, 400, gateway.ReasonMalformedBody, "line 1:15: invalid character"},
		"JSON: goes on":       {gatewaytest.JSONType, `{"module":"wxapp"` + tail + `{}`, 400, gateway.ReasonMalformedBody, "goes on after its JSON object"},
		"JSON: empty":         {gatewaytest.JSONType, ``, 400, gateway.ReasonMalformedBody, "unexpected end"},
		"JSON: far too deep":  {gatewaytest.JSONType, `{"x":` + strings.Repeat("[", 100_000), 400, gateway.ReasonMalformedBody, "exceeded max depth"},
		"JSON: UTF-16":        {gatewaytest.JSONType, "\xff\xfe{\x00", 400, gateway.ReasonMalformedBody, "line 1:1"},
		"bizContent: cut":     {gatewaytest.FormType, call(`{"Code":`), 400, gateway.ReasonInvalidBizContent, "bizContent is not a wxapp.v1.SessionKeyRequest: syntax error (line 1:9): unexpected end"},
		"bizContent: array":   {gatewaytest.FormType, call(`[]`), 400, gateway.ReasonInvalidBizContent, "(line 1:1): unexpected token ["},
		"bizContent: type":    {gatewaytest.FormType, call(`{"Code":7}`), 400, gateway.ReasonInvalidBizContent, "(line 1:9): invalid value for bytes field Code: 7"},
		"bizContent: base64":  {gatewaytest.FormType, call(`{"Code":"***"}`), 400, gateway.ReasonInvalidBizContent, `invalid value for bytes field Code: "***"`},
		"bizContent: unknown": {gatewaytest.FormType, call(`{"Cod":""}`), 400, gateway.ReasonInvalidBizContent, `(line 1:2): unknown field "Cod"`},
		"bizContent: twice":   {gatewaytest.FormType, call(`{"Code":"","Code":""}`), 400, gateway.ReasonInvalidBizContent, `duplicate field "Code"`},
		"bizContent: deep":    {gatewaytest.FormType, call(strings.Repeat(`{"Code":`, 101)), 400, gateway.ReasonInvalidBizContent, "(line 1:801): nested deeper than 100 levels"},
		"bizContent: UTF-8":   {gatewaytest.FormType, call("{\"Code\":\"\xff\"}"), 400, gateway.ReasonInvalidBizContent, "invalid UTF-8"},

		"no content type":      {"", gatewaytest.SessionKey, 415, gateway.ReasonUnsupportedType, `content type "" is not supported`},
		"other content type":   {"text/xml", gatewaytest.SessionKey, 415, gateway.ReasonUnsupportedType, `content type "text/xml" is not supported; supported: application/x-www-form-urlencoded, application/json`},
		"multipart":            {"multipart/form-data; boundary=x", gatewaytest.SessionKey, 415, gateway.ReasonUnsupportedType, "is not supported"},
		"garbled content type": {"a/b/c; =", gatewaytest.SessionKey, 415, gateway.ReasonUnsupportedType, "is not supported"},
		"long content type":    {long, gatewaytest.SessionKey, 415, gateway.ReasonUnsupportedType, "is not supported"},
		"too large":            {gatewaytest.FormType, strings.Repeat("x", 100_001), 413, gateway.ReasonBodyTooLarge, "the body is larger than 100000 bytes"},
	}
	g := gatewaytest.New(t, gateway.Config{Limits: gateway.Limits{BodyBytes: 100_000}})
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			if strings.Contains(name, "far too deep") {
				test.body = test.body[:99_000]
			}
			w := gatewaytest.Post(g, test.contentType, test.body)
			f := gatewaytest.FailureOf(t, w)
			if w.Code != test.status || f.Reason() != test.reason || !strings.Contains(f.Message, test.message) {
				t.Errorf("got  %d %s %s\nwant %d %s %s", w.Code, f.Reason(), f.Message, test.status, test.reason, test.message)
			}
			if w.Body.Len() > 1000 {
				t.Errorf("the answer has %d bytes", w.Body.Len())
			}
		})
	}
}
