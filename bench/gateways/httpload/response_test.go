package httpload

import (
	"strings"
	"testing"
)

func TestCut(t *testing.T) {
	for name, test := range map[string]struct {
		input, body, err string
	}{
		"length":         {"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}", "{}", ""},
		"chunks":         {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n{\r\n1\r\n}\r\n0\r\n\r\n", "{}", ""},
		"neither":        {"HTTP/1.1 200 OK\r\nDate: now\r\n\r\n", "", "does not say its length"},
		"negative":       {"HTTP/1.1 200 OK\r\nContent-Length: -2\r\n\r\n", "", "Content-Length is invalid"},
		"no HTTP":        {"SSH-2.0\r\n\r\n", "", "not a response"},
		"no status":      {"HTTP/1.1 abc\r\n\r\n", "", "abc"},
		"no chunk size":  {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nx\r\n", "", "a chunk's size"},
		"too long chunk": {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n{}\r\n", "", "longer than it says"},
	} {
		t.Run(name, func(t *testing.T) {
			var r response
			length, err := r.cut([]byte(test.input))
			if test.err != "" {
				if err == nil || !strings.Contains(err.Error(), test.err) {
					t.Errorf("got %v, want %s", err, test.err)
				}
				return
			}
			if err != nil || length != len(test.input) || r.status != 200 || string(r.body) != test.body {
				t.Errorf("got %d bytes, %d, %q, %v", length, r.status, r.body, err)
			}
			for end := range len(test.input) {
				if length, err := r.cut([]byte(test.input[:end])); length != 0 || err != nil {
					t.Errorf("of %q: got %d, %v", test.input[:end], length, err)
				}
			}
		})
	}
}
