package gateway

import (
	"fmt"
	"net/http"
	"runtime/debug"

	"google.golang.org/grpc/codes"
)

// recoverPanics answers a panic with 500 and logs it with its stack. When the
// response has begun the connection is closed instead, so that nobody takes
// half a response for a whole one.
func (g *Gateway) recoverPanics(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer func() {
			value := recover()
			if value == nil {
				return
			}
			if value == http.ErrAbortHandler { //nolint:errorlint // The server compares it so, too.
				panic(value)
			}
			g.config.Logger.ErrorContext(r.Context(), "panic while handling a request",
				"request_id", RequestID(r.Context()), "panic", fmt.Sprint(value), "stack", string(debug.Stack()))
			if exchangeOf(r.Context()).response.status != 0 {
				panic(http.ErrAbortHandler)
			}
			g.WriteError(w, r, NewError(codes.Internal, ReasonPanic, "the gateway failed to handle the request"))
		}()
		next.ServeHTTP(w, r)
	})
}
