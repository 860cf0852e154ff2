package form

import (
	"bytes"
	"encoding/json"
	"net/url"
	"strings"
	"testing"
	"unicode/utf8"
)

// FuzzDecodeForm: what it reads, it reads again from a form that says the same,
// and from the same as JSON.
func FuzzDecodeForm(f *testing.F) {
	f.Add([]byte("module=wxapp&version=1.0&method=A.B&bizContent=%7B%7D"))
	f.Add([]byte("module=a&module=b"))
	f.Add([]byte("%zz;=&"))
	f.Add([]byte("mod%75le=a+b%2B&bizContent=%e4%b8%96%&&=&x"))
	f.Add([]byte("bizContent&version=%4"))
	f.Add([]byte("bizContent=1&method&method=x;y"))
	f.Fuzz(func(t *testing.T, body []byte) {
		given, err := decodeForm(body)
		if err != nil {
			if len(err.Error()) > 1000 {
				t.Errorf("an error of %d bytes", len(err.Error()))
			}
			return
		}
		again, err := decodeForm([]byte(url.Values{
			paramModule: {given.module}, paramVersion: {given.version}, paramMethod: {given.method},
			paramBizContent: {string(given.bizContent)},
		}.Encode()))
		if err != nil || !same(given, again) {
			t.Errorf("got %+v, %v; want %+v", again, err, given)
		}
		checkAsJSON(t, given)
	})
}

func TestFormLimits(t *testing.T) {
	if _, err := decodeForm([]byte(strings.Repeat("x&", 100_000))); err == nil {
		t.Error("100,000 parameters are accepted")
	}
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
		checkAsJSON(t, given)
	})
}

// checkAsJSON decodes the same parameters from JSON, where bizContent is a
// string. What is no UTF-8 cannot be given so.
func checkAsJSON(t *testing.T, want params) {
	t.Helper()
	for _, text := range []string{want.module, want.version, want.method, string(want.bizContent)} {
		if !utf8.ValidString(text) {
			return
		}
	}
	body, err := json.Marshal(map[string]string{
		paramModule: want.module, paramVersion: want.version, paramMethod: want.method,
		paramBizContent: string(want.bizContent),
	})
	if err != nil {
		t.Fatal(err)
	}
	if got, err := decodeJSON(body); err != nil || !same(got, want) {
		t.Errorf("got %+v, %v; want %+v", got, err, want)
	}
}

func same(a, b params) bool {
	return a.module == b.module && a.version == b.version && a.method == b.method && bytes.Equal(a.bizContent, b.bizContent)
}
