package gateway

import (
	"context"
	"net/http"
	"time"
)

// exchange is what the gateway knows about one request and its response. The
// stages fill it in; the access log reads it. One goroutine handles a request,
// so nothing guards it.
//
// It is the request's context, too.
type exchange struct {
	context.Context //nolint:containedctx // It is one.

	requestID string
	unknown   string // what was named but is not there, quoted
	route     *Route // nil until found
	failed    error  // why it failed, nil if it did not
	defaulted string // why a default response was given, "" if none was
	response  responseRecorder

	idHeader [1]string // the response's RequestIDHeader
}

type exchangeKey struct{}

// Value finds the exchange itself.
func (x *exchange) Value(key any) any {
	if key == (exchangeKey{}) {
		return x
	}
	return x.Context.Value(key)
}

// exchangeOf is nil outside a gateway's request.
func exchangeOf(ctx context.Context) *exchange {
	x, _ := ctx.Value(exchangeKey{}).(*exchange)
	return x
}

// beginExchange is the outermost middleware: the others need its exchange.
func beginExchange(writeTimeout time.Duration) Middleware {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			x := &exchange{
				Context:  r.Context(),
				response: responseRecorder{ResponseWriter: w, writeTimeout: writeTimeout},
			}
			if _, there := r.Header["Expect"]; there {
				// Reading the body writes "100 Continue".
				x.response.startClock()
			}
			defer x.response.begin(http.StatusOK)
			next.ServeHTTP(&x.response, r.WithContext(x))
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
	r.startClock()
}

// startClock bounds the time that what is written from now on takes. An earlier
// request on the connection may have left its deadline, which has passed. Where
// deadlines are not supported the server has its own protection.
func (r *responseRecorder) startClock() {
	_ = http.NewResponseController(r.ResponseWriter).SetWriteDeadline(time.Now().Add(r.writeTimeout))
}

// WriteHeader writes the status.
func (r *responseRecorder) WriteHeader(status int) {
	if status >= http.StatusOK {
		r.begin(status)
	} else { // Informational ones may come before it.
		r.startClock()
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

// FlushError sends what has been written so far.
func (r *responseRecorder) FlushError() error {
	r.begin(http.StatusOK)
	return http.NewResponseController(r.ResponseWriter).Flush()
}

// Unwrap gives [http.ResponseController] the server's own writer.
func (r *responseRecorder) Unwrap() http.ResponseWriter { return r.ResponseWriter }
