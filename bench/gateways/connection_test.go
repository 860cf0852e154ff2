package gateways

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/valyala/fasthttp"
)

// connected returns a connection to a handler whose answers must begin with "fine".
func connected(t *testing.T, timeout time.Duration, handler http.HandlerFunc) *connection {
	t.Helper()
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	address := strings.TrimPrefix(server.URL, "http://")
	c, err := connect(t.Context(), address, time.Now().Add(timeout), post(address, "/", "text/plain", "body"),
		func(body []byte) error {
			if !strings.HasPrefix(string(body), "fine") {
				return fmt.Errorf("it is %.10q", body)
			}
			return nil
		})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

func TestEveryRequestIsAnswered(t *testing.T) {
	long := "fine" + strings.Repeat("!", 300_000)
	for name, answer := range map[string]func(w http.ResponseWriter){
		"short":   func(w http.ResponseWriter) { _, _ = w.Write([]byte("fine")) },
		"chunked": func(w http.ResponseWriter) { _, _ = w.Write([]byte(long)) },
		"long": func(w http.ResponseWriter) {
			w.Header().Set("Content-Length", fmt.Sprint(len(long)))
			_, _ = w.Write([]byte(long))
		},
	} {
		t.Run(name, func(t *testing.T) {
			var requests atomic.Int64
			c := connected(t, time.Minute, func(w http.ResponseWriter, _ *http.Request) {
				requests.Add(1)
				answer(w)
			})
			const n = 10
			for range n {
				if err := c.exchange(); err != nil {
					t.Fatal(err)
				}
			}
			if got := requests.Load(); got != n {
				t.Errorf("the server got %d requests, not %d", got, n)
			}
		})
	}
}

func TestWrongAnswers(t *testing.T) {
	var requests atomic.Int64
	for name, test := range map[string]struct {
		handler http.HandlerFunc
		want    string
	}{
		"status":       {func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "no", http.StatusTeapot) }, "answered 418: no"},
		"first answer": {func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("bad")) }, `the first answer is wrong: it is "bad"`},
		"later answer": {func(w http.ResponseWriter, _ *http.Request) { _, _ = fmt.Fprintf(w, "fine %d", requests.Add(1)) }, "differs from the first one"},
		"closed":       {func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, "reading the response: EOF"},
	} {
		t.Run(name, func(t *testing.T) {
			c := connected(t, time.Minute, test.handler)
			err := c.exchange()
			if err == nil {
				err = c.exchange()
			}
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v, want %s", err, test.want)
			}
		})
	}
}

func TestSilentGateway(t *testing.T) {
	c := connected(t, 10*time.Millisecond, func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body) // or net/http does not notice that the client has gone
		<-r.Context().Done()
	})
	if err := c.exchange(); !errors.Is(err, fasthttp.ErrTimeout) {
		t.Errorf("got %v, not a timeout", err)
	}
}
