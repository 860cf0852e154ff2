package cli

import (
	"bufio"
	"context"
	"errors"
	"io"
	"log/slog"
	"sync"
	"time"
)

// What a logWriter may hold back, and for how long.
const (
	maxLogDelay  = 10 * time.Millisecond
	maxLogBuffer = 32 << 10
)

// logWriter gathers the lines of a log, so that a busy gateway makes a system
// call for many lines instead of one for each. It is safe for concurrent use.
type logWriter struct {
	out io.Writer

	mu    sync.Mutex // held while out is written to, too: lines stay in order
	lines *bufio.Writer
	timer *time.Timer // flushes
}

func newLogWriter(out io.Writer) *logWriter {
	w := &logWriter{out: out, lines: bufio.NewWriterSize(out, maxLogBuffer)}
	w.timer = time.AfterFunc(maxLogDelay, func() { _ = w.Flush() }) // Nobody is left to be told.
	return w
}

// Write takes a whole line. It fails if lines had to be written and could not.
func (w *logWriter) Write(line []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.lines.Buffered() > 0 && w.lines.Available() < len(line) {
		if err := w.flush(); err != nil { // Or the line would be cut in two.
			return 0, err
		}
	}
	if w.lines.Buffered() == 0 {
		w.timer.Reset(maxLogDelay)
	}
	return w.lines.Write(line)
}

// Flush writes what has been held back.
func (w *logWriter) Flush() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.flush()
}

func (w *logWriter) flush() error {
	err := w.lines.Flush()
	if err != nil {
		w.lines.Reset(w.out) // or it would refuse all lines from now on
	}
	return err
}

// promptHandler flushes the lines that its handler writes after warnings and
// errors: they must not be lost should the process die.
type promptHandler struct {
	slog.Handler

	out *logWriter
}

// Handle implements slog.Handler.
func (h *promptHandler) Handle(ctx context.Context, record slog.Record) error {
	err := h.Handler.Handle(ctx, record)
	if record.Level >= slog.LevelWarn {
		err = errors.Join(err, h.out.Flush())
	}
	return err
}

// WithAttrs implements slog.Handler.
func (h *promptHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	return &promptHandler{h.Handler.WithAttrs(attrs), h.out}
}

// WithGroup implements slog.Handler.
func (h *promptHandler) WithGroup(name string) slog.Handler {
	return &promptHandler{h.Handler.WithGroup(name), h.out}
}
