package httpload

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/mqrpc/mqrpc/bench/load"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// start loads a handler from two connections.
func start(t *testing.T, handler http.HandlerFunc) *Load {
	t.Helper()
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	address := strings.TrimPrefix(server.URL, "http://")
	l, err := Start(Config{
		Address:     netip.MustParseAddrPort(address),
		Request:     fmt.Appendf(nil, "POST / HTTP/1.1\r\nHost: %s\r\nContent-Length: 4\r\n\r\nbody", address),
		Connections: 2,
		Check: func(body []byte) error {
			if !strings.HasPrefix(string(body), "fine") {
				return fmt.Errorf("it is %.10q", body)
			}
			return nil
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	})
	return l
}

func TestEveryAnswerCountsOnce(t *testing.T) {
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
			var requests atomic.Uint64
			l := start(t, func(w http.ResponseWriter, _ *http.Request) {
				requests.Add(1)
				answer(w)
			})
			var histogram load.Histogram
			answers, took, err := l.For(30*time.Millisecond, &histogram)
			if err != nil {
				t.Fatal(err)
			}
			if err := l.Finish(); err != nil {
				t.Fatal(err)
			}
			if took < 30*time.Millisecond || answers == 0 {
				t.Errorf("%d answers in %v", answers, took)
			}
			if got, served := histogram.Count(), requests.Load(); got != served {
				t.Errorf("%d answers to %d requests", got, served)
			}
		})
	}
}

func TestWrongAnswersEndTheLoad(t *testing.T) {
	var requests atomic.Uint64
	for name, test := range map[string]struct {
		handler http.HandlerFunc
		want    string
	}{
		"status":       {func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "no", http.StatusTeapot) }, "answered 418: no"},
		"first answer": {func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("bad")) }, `the first answer is wrong: it is "bad"`},
		"later answer": {func(w http.ResponseWriter, _ *http.Request) { _, _ = fmt.Fprintf(w, "fine %d", requests.Add(1)) }, "differs from the first one"},
		"closed":       {func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, "unexpected EOF"},
	} {
		t.Run(name, func(t *testing.T) {
			_, _, err := start(t, test.handler).For(time.Minute, nil)
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v, want %s", err, test.want)
			}
		})
	}
}
