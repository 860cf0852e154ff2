package gateway

import (
	"context"
	"net/http"
	"time"

	"github.com/mqrpc/mqrpc/runtime"
)

// exchange is what the gateway knows about one request and its response. The
// stages fill it in; the access log reads it. One goroutine handles a request,
// so nothing guards it.
type exchange struct {
	requestID string
	call      *callRequest // nil until decoded
	route     *route       // nil until found
	failed    *runtime.Error
	standIn   string // why a default response was given, "" if none was
	response  *responseRecorder
}

type exchangeKey struct{}

// exchangeOf is nil outside a gateway's request.
func exchangeOf(ctx context.Context) *exchange {
	x, _ := ctx.Value(exchangeKey{}).(*exchange)
	return x
}

// beginExchange is the outermost middleware: the others need its exchange.
func beginExchange(writeTimeout time.Duration) Middleware {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			response := &responseRecorder{ResponseWriter: w, writeTimeout: writeTimeout}
			// An earlier request on the connection has left its deadline. Where
			// deadlines are not supported the server has its own protection.
			_ = http.NewResponseController(w).SetWriteDeadline(time.Time{})
			defer response.begin(http.StatusOK)
			ctx := context.WithValue(r.Context(), exchangeKey{}, &exchange{response: response})
			next.ServeHTTP(response, r.WithContext(ctx))
		})
	}
}

// responseRecorder sees what is written, and bounds the time that the client
// takes to receive it.
type responseRecorder struct {
	http.ResponseWriter
	writeTimeout time.Duration
	status       int // 0 until the header is written
	bytes        int64
}

// begin notes the response's status and starts the clock for its delivery.
func (r *responseRecorder) begin(status int) {
	if r.status != 0 {
		return
	}
	r.status = status
	_ = http.NewResponseController(r.ResponseWriter).SetWriteDeadline(time.Now().Add(r.writeTimeout))
}

// WriteHeader writes the status.
func (r *responseRecorder) WriteHeader(status int) {
	if status >= http.StatusOK { // Informational ones may come before it.
		r.begin(status)
	}
	r.ResponseWriter.WriteHeader(status)
}

// Write writes a part of the body.
func (r *responseRecorder) Write(body []byte) (int, error) {
	r.begin(http.StatusOK)
	n, err := r.ResponseWriter.Write(body)
	r.bytes += int64(n)
	return n, err
}

// Unwrap gives [http.ResponseController] the server's own writer.
func (r *responseRecorder) Unwrap() http.ResponseWriter { return r.ResponseWriter }
