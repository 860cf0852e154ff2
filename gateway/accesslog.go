package gateway

import (
	"errors"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"github.com/mqrpc/mqrpc/runtime"
)

// logAccess writes one line for every request: a warning when the fault is the
// server's, debug for the health checks, else info. It names what was called
// and how it ended, never what was sent.
func logAccess(logger *slog.Logger) Middleware {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			started := time.Now()
			defer func() {
				x := exchangeOf(r.Context())
				level := accessLevel(r, x.response.status)
				if !logger.Enabled(r.Context(), level) {
					return
				}
				// No logger in between: it would look for the line of this file,
				// which tells nobody anything.
				ended := time.Now()
				line := slog.NewRecord(ended, level, "request", 0)
				addAccessAttrs(&line, r, x, ended.Sub(started))
				_ = logger.Handler().Handle(r.Context(), line) // as a logger does
			}()
			next.ServeHTTP(w, r)
		})
	}
}

func accessLevel(r *http.Request, status int) slog.Level {
	switch {
	case r.URL.Path == healthPath || r.URL.Path == readyPath:
		return slog.LevelDebug
	case status >= http.StatusInternalServerError:
		return slog.LevelWarn
	default:
		return slog.LevelInfo
	}
}

func addAccessAttrs(line *slog.Record, r *http.Request, x *exchange, took time.Duration) {
	attrs := append(make([]slog.Attr, 0, maxAccessAttrs),
		slog.String("request_id", x.requestID),
		slog.String("http_method", r.Method),
		slog.String("path", r.URL.Path),
		slog.Int("status", x.response.status),
		slog.Int64("bytes", x.response.bytes),
		slog.Duration("took", took),
		slog.String("remote", r.RemoteAddr),
	)
	switch {
	case x.route != nil:
		attrs = append(attrs, slog.String("call", x.route.name))
	case x.unknown != "":
		attrs = append(attrs, slog.String("unknown_call", x.unknown))
	}
	if x.defaulted != "" {
		attrs = append(attrs, slog.String("default_response", x.defaulted))
	}
	if x.failed != nil {
		failed := runtime.AsError(x.failed)
		attrs = append(attrs, slog.String("code", failed.Code().String()), slog.String("error", cut(failed.Message())))
		if more, ok := errors.AsType[*withheld](x.failed); ok {
			attrs = append(attrs, slog.String("detail", cut(more.detail.Error())))
		}
	}
	line.AddAttrs(attrs...)
}

// maxLoggedText bounds what a line says of an error, whose text may be a worker's.
const maxLoggedText = 2048

func cut(text string) string {
	if len(text) <= maxLoggedText {
		return text
	}
	return strings.ToValidUTF8(text[:maxLoggedText], "") + "…"
}

// maxAccessAttrs is the number of attributes that a line may have.
const maxAccessAttrs = 12
