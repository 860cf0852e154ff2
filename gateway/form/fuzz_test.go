package form

import (
	"bytes"
	"encoding/json"
	"net/url"
	"strings"
	"testing"
)

// FuzzDecodeForm compares with net/url.
func FuzzDecodeForm(f *testing.F) {
	f.Add([]byte("module=wxapp&version=1.0&method=A.B&bizContent=%7B%7D"))
	f.Add([]byte("module=a&module=b"))
	f.Add([]byte("%zz;=&"))
	f.Add([]byte("mod%75le=a+b%2B&bizContent=%e4%b8%96%&&=&x"))
	f.Add([]byte("bizContent&version=%4"))
	f.Add([]byte("bizContent=1&method&method=x;y"))
	f.Fuzz(func(t *testing.T, body []byte) {
		want, wantErr := url.ParseQuery(string(body))
		got, err := decodeForm(bytes.Clone(body))
		if wantErr != nil {
			if err == nil {
				t.Fatalf("net/url refuses %q: %v", body, wantErr)
			}
			return
		}
		for _, name := range []string{paramModule, paramVersion, paramMethod, paramBizContent} {
			switch values := want[name]; {
			case len(values) > 1:
				if err == nil {
					t.Fatalf("%s is given %d times in %q", name, len(values), body)
				}
				return
			case err != nil: // a later one may be there twice
			case len(values) == 1 && string(got.find([]byte(name)).value) != values[0],
				len(values) != got.find([]byte(name)).times:
				t.Fatalf("%s of %q is %+v, not %q", name, body, got.find([]byte(name)), values)
			}
		}
		if err != nil {
			t.Fatalf("net/url takes %q: %v", body, err)
		}
	})
}

func TestFormLimits(t *testing.T) {
	for parameters, accepted := range map[int]bool{maxFormParameters: true, maxFormParameters + 1: false} {
		body := strings.Repeat("&", parameters-1)
		if _, err := decodeForm([]byte(body)); (err == nil) != accepted {
			t.Errorf("%d parameters: %v", parameters, err)
		}
		if _, err := url.ParseQuery(body); (err == nil) != accepted {
			t.Errorf("net/url differs with %d parameters: %v", parameters, err)
		}
	}
}

// call is what parameters ask for.
type call struct {
	module, version, method string
	bizContent              []byte
}

func callOf(given params) call {
	return call{given.module.text(), given.version.text(), given.method.text(), given.bizContent.value}
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
		if given.complete() != nil {
			return
		}
		call := callOf(given)
		again, err := json.Marshal(map[string]string{
			paramModule: call.module, paramVersion: call.version, paramMethod: call.method,
			paramBizContent: string(call.bizContent),
		})
		if err != nil {
			t.Fatal(err)
		}
		if json.Valid(call.bizContent) { // Else marshalling replaces what is not UTF-8.
			checkSame(t, call, again)
		}
	})
}

// checkSame decodes the parameters of a call anew.
func checkSame(t *testing.T, want call, body []byte) {
	t.Helper()
	given, err := decodeJSON(body)
	if err == nil {
		err = given.complete()
	}
	if err != nil {
		t.Fatal(err)
	}
	got := callOf(given)
	if got.module != want.module || got.version != want.version || got.method != want.method {
		t.Errorf("got %+v, want %+v", got, want)
	}
	if len(bytes.ToValidUTF8(want.bizContent, nil)) == len(want.bizContent) && !bytes.Equal(got.bizContent, want.bizContent) {
		t.Errorf("got %s, want %s", got.bizContent, want.bizContent)
	}
}
