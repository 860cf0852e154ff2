package cli

import (
	"io"
	"sync"
	"time"
)

// What a logBuffer may hold back, and for how long.
const (
	maxLogDelay  = 10 * time.Millisecond
	maxLogBuffer = 32 << 10
)

// logBuffer gathers the lines of a log, so that a busy gateway makes a system
// call for many lines instead of one for each. It is safe for concurrent use.
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
	b.mu.Lock()
	defer b.mu.Unlock()
	first := len(b.lines) == 0
	b.lines = append(b.lines, lines...)
	switch {
	case len(b.lines) >= maxLogBuffer:
		return len(lines), b.write()
	case !first:
	case b.timer == nil:
		b.timer = time.AfterFunc(maxLogDelay, func() { _ = b.Flush() })
	default:
		b.timer.Reset(maxLogDelay)
	}
	return len(lines), nil
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
