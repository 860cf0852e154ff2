package gateway_test

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/mqrpc/mqrpc/gateway"
	"github.com/mqrpc/mqrpc/gateway/gatewaytest"
	"github.com/mqrpc/mqrpc/runtime"
)

// nowhere is a response that nobody reads.
type nowhere struct {
	header http.Header
	status int
}

func (w *nowhere) Header() http.Header            { return w.header }
func (w *nowhere) WriteHeader(status int)         { w.status = status }
func (w *nowhere) Write(body []byte) (int, error) { return len(body), nil }

func (w *nowhere) SetReadDeadline(time.Time) error  { return nil }
func (w *nowhere) SetWriteDeadline(time.Time) error { return nil }

// rewound is a body that is read again and again.
type rewound struct{ *strings.Reader }

func (rewound) Close() error { return nil }

// BenchmarkCall is what the gateway does for a call, its access log included,
// without HTTP's server and without the call.
func BenchmarkCall(b *testing.B) {
	text := `"` + strings.Repeat("d3Jm", 12<<10) + `"`
	for name, content := range map[string]string{
		"23B":  `{"Code":"d3JmZGZkc2Y="}`,
		"48KB": `{"Code":` + text + `}`,
	} {
		b.Run(name, func(b *testing.B) {
			g := gatewaytest.New(b, gateway.Config{
				Caller: gatewaytest.Caller(func(_ context.Context, call *runtime.Call) (*runtime.Reply, error) {
					return &runtime.Reply{Payload: call.Payload}, nil
				}),
				Logger: slog.New(slog.NewTextHandler(io.Discard, nil)), //nolint:sloglint // It shall cost what it costs.
			})
			body := gatewaytest.Form("module", "wxapp", "version", "1.0", "method", "WxappManager.SessionKey", "bizContent", content)
			r := httptest.NewRequest(http.MethodPost, "/gateway", http.NoBody)
			r.Header.Set("Content-Type", gatewaytest.FormType)
			r.ContentLength = int64(len(body))
			reader := strings.NewReader(body)
			r.Body = rewound{reader}
			w := &nowhere{header: http.Header{}}
			b.SetBytes(int64(len(body)))
			b.ReportAllocs()
			for b.Loop() {
				reader.Reset(body)
				clear(w.header)
				g.ServeHTTP(w, r)
				if w.status != http.StatusOK {
					b.Fatalf("got %d", w.status)
				}
			}
		})
	}
}
