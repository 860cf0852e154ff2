package gateway

import (
	"bytes"
	"encoding/json"
	"net/url"
	"testing"
)

func FuzzDecodeForm(f *testing.F) {
	f.Add([]byte("module=wxapp&version=1.0&method=A.B&bizContent=%7B%7D"))
	f.Add([]byte("module=a&module=b"))
	f.Add([]byte("%zz;=&"))
	f.Fuzz(func(t *testing.T, body []byte) {
		given, err := decodeForm(body)
		if err != nil {
			return
		}
		call, err := given.complete()
		if err != nil {
			return
		}
		again := url.Values{
			paramModule: {call.module}, paramVersion: {call.version}, paramMethod: {call.method},
			paramBizContent: {string(call.bizContent)},
		}
		checkSame(t, call, decodeForm, []byte(again.Encode()))
	})
}

func FuzzDecodeJSON(f *testing.F) {
	f.Add([]byte(`{"module":"wxapp","version":"1.0","method":"A.B","bizContent":{}}`))
	f.Add([]byte(`{"module":"wxapp","version":"1.0","method":"A.B","bizContent":"{\"x\":1}","more":[[1]]}`))
	f.Add([]byte(`{"module":"a","module":"b"}`))
	f.Add([]byte(`{"bizContent":[`))
	f.Fuzz(func(t *testing.T, body []byte) {
		given, err := decodeJSON(body)
		if err != nil {
			if len(err.Error()) > 1000 {
				t.Errorf("an error of %d bytes", len(err.Error()))
			}
			return
		}
		if !json.Valid(body) {
			t.Fatal("malformed JSON is accepted")
		}
		call, err := given.complete()
		if err != nil {
			return
		}
		again, err := json.Marshal(map[string]string{
			paramModule: call.module, paramVersion: call.version, paramMethod: call.method,
			paramBizContent: string(call.bizContent),
		})
		if err != nil {
			t.Fatal(err)
		}
		if json.Valid(call.bizContent) { // Else marshalling replaces what is not UTF-8.
			checkSame(t, call, decodeJSON, again)
		}
	})
}

// checkSame decodes the parameters of a call anew.
func checkSame(t *testing.T, want *callRequest, decode func([]byte) (*params, error), body []byte) {
	t.Helper()
	given, err := decode(body)
	if err != nil {
		t.Fatal(err)
	}
	got, err := given.complete()
	if err != nil {
		t.Fatal(err)
	}
	if got.module != want.module || got.version != want.version || got.method != want.method {
		t.Errorf("got %+v, want %+v", got, want)
	}
	if len(bytes.ToValidUTF8(want.bizContent, nil)) == len(want.bizContent) && !bytes.Equal(got.bizContent, want.bizContent) {
		t.Errorf("got %s, want %s", got.bizContent, want.bizContent)
	}
}
