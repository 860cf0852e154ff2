package gateway

import (
	"net/http"
	"slices"
)

// Middleware wraps the handling of every request. It is called once; the
// handler that it returns is called concurrently.
type Middleware func(http.Handler) http.Handler

// wrap puts middleware around a handler, the first outermost.
func wrap(handler http.Handler, middleware ...Middleware) http.Handler {
	for _, around := range slices.Backward(middleware) {
		handler = around(handler)
	}
	return handler
}
