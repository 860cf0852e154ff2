package gateway

import "net/http"

// Middleware wraps the handling of every request. It is called once; the
// handler that it returns is called concurrently.
type Middleware func(http.Handler) http.Handler

// wrap puts middleware around a handler, the first outermost.
func wrap(handler http.Handler, middleware ...Middleware) http.Handler {
	for i := len(middleware) - 1; i >= 0; i-- {
		handler = middleware[i](handler)
	}
	return handler
}
