package cli

import (
	"fmt"
	"log/slog"
)

// logSettings say what is logged, and how.
type logSettings struct {
	level, format string
}

// newLogger returns a logger that writes there.
func (s logSettings) newLogger(out *logWriter) (*slog.Logger, error) {
	var level slog.Level
	if err := level.UnmarshalText([]byte(s.level)); err != nil {
		return nil, fmt.Errorf("log-level is %q; it must be debug, info, warn or error", s.level)
	}
	options := &slog.HandlerOptions{Level: level}
	switch s.format {
	case "text":
		return slog.New(&promptHandler{slog.NewTextHandler(out, options), out}), nil
	case "json":
		return slog.New(&promptHandler{slog.NewJSONHandler(out, options), out}), nil
	default:
		return nil, fmt.Errorf("log-format is %q; it must be text or json", s.format)
	}
}
