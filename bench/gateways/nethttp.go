package gateways

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
)

// A handler of net/http that parses the form and answers with bizContent as it
// has come: what a gateway in Go would reach whose own work cost nothing. There
// is nothing behind it.

func serveNetHTTP(ctx context.Context, _ Config, listener *net.TCPListener) error {
	return serveHTTP(ctx, listener, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		for _, name := range []string{"module", "version", "method", "bizContent"} {
			if r.PostFormValue(name) == "" {
				http.Error(w, name+" is missing", http.StatusBadRequest)
				return
			}
		}
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, r.PostFormValue("bizContent")) //nolint:gosec // JSON to a client that may be gone
	}))
}

// serveHTTP serves by a server of net/http at its defaults.
func serveHTTP(ctx context.Context, listener net.Listener, handler http.Handler) error {
	server := &http.Server{Handler: handler} //nolint:gosec // at its defaults, for a peer
	stop := context.AfterFunc(ctx, func() { _ = server.Close() })
	defer stop()
	if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}
