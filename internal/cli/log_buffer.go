package cli

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"sync"
	"time"
)

// What a logBuffer may hold back, and for how long.
const (
	maxLogDelay  = 10 * time.Millisecond
	maxLogBuffer = 32 << 10
)

// logBuffer gathers the lines of a log, so that a busy gateway makes a system
// call for many lines instead of one for each. Warnings and errors do not wait:
// see promptly. It is safe for concurrent use.
type logBuffer struct {
	out io.Writer

	mu    sync.Mutex // held while out is written to, too: lines stay in order
	lines []byte
	timer *time.Timer // flushes; nil until the first line
}

func newLogBuffer(out io.Writer) *logBuffer { return &logBuffer{out: out} }

// Write takes whole lines. An error is that of the writer below, if the lines
// have to be written now; those that are written later have none.
func (b *logBuffer) Write(lines []byte) (int, error) {
	_, err := b.add(func(before []byte) ([]byte, bool) { return append(before, lines...), true })
	return len(lines), err
}

// add lets a function append whole lines to those before, and says with it
// whether it has. An error is as that of Write.
func (b *logBuffer) add(appendTo func(before []byte) (lines []byte, added bool)) (added bool, err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	lines, added := appendTo(b.lines)
	if !added {
		return false, nil
	}
	first := len(b.lines) == 0
	b.lines = lines
	switch {
	case len(b.lines) >= maxLogBuffer:
		return true, b.write()
	case !first:
	case b.timer == nil:
		b.timer = time.AfterFunc(maxLogDelay, func() { _ = b.Flush() })
	default:
		b.timer.Reset(maxLogDelay)
	}
	return true, nil
}

// Flush writes what has been held back.
func (b *logBuffer) Flush() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.write()
}

// write is called with the lock held.
func (b *logBuffer) write() error {
	if len(b.lines) == 0 {
		return nil
	}
	_, err := b.out.Write(b.lines)
	b.lines = b.lines[:0]
	return err
}

// promptly returns the logger with a handler that flushes the buffer, which it
// writes to, after warnings and errors: they must not be lost should the process
// die.
func (b *logBuffer) promptly(logger *slog.Logger) *slog.Logger {
	return slog.New(&promptHandler{logger.Handler(), b})
}

type promptHandler struct {
	slog.Handler

	buffer *logBuffer
}

// Handle implements slog.Handler.
func (h *promptHandler) Handle(ctx context.Context, record slog.Record) error {
	err := h.Handler.Handle(ctx, record)
	if record.Level >= slog.LevelWarn {
		err = errors.Join(err, h.buffer.Flush())
	}
	return err
}

// WithAttrs implements slog.Handler.
func (h *promptHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	return &promptHandler{h.Handler.WithAttrs(attrs), h.buffer}
}

// WithGroup implements slog.Handler.
func (h *promptHandler) WithGroup(name string) slog.Handler {
	return &promptHandler{h.Handler.WithGroup(name), h.buffer}
}
