package cli

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
)

// writes notes every write.
type writes struct {
	mu  sync.Mutex
	all []string
}

func newWrites() *writes { return &writes{} }

func (w *writes) Write(text []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.all = append(w.all, string(text))
	return len(text), nil
}

func (w *writes) get() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.all
}

func TestLogWriterGathersLines(t *testing.T) {
	out := newWrites()
	writer := newLogWriter(out)
	var want strings.Builder
	for i := range 3 * maxLogBuffer / len("line 00000\n") {
		line := fmt.Sprintf("line %05d\n", i)
		want.WriteString(line)
		if n, err := writer.Write([]byte(line)); n != len(line) || err != nil {
			t.Fatal(n, err)
		}
	}
	if err := writer.Flush(); err != nil {
		t.Fatal(err)
	}
	got := out.get()
	if strings.Join(got, "") != want.String() {
		t.Error("lines are missing or out of order")
	}
	for _, text := range got {
		if !strings.HasSuffix(text, "\n") {
			t.Errorf("a line is cut: %.20q…", text)
		}
	}
	if len(got) < 3 {
		t.Errorf("%d writes of more than %d bytes together", len(got), 2*maxLogBuffer)
	}
}

// TestLogWriterDoesNotWaitForMore: a line that comes alone is written by itself,
// and so is a later one.
func TestLogWriterDoesNotWaitForMore(t *testing.T) {
	out := make(arriving)
	writer := newLogWriter(out)
	for _, line := range []string{"alone\n", "later\n"} {
		if _, err := writer.Write([]byte(line)); err != nil {
			t.Fatal(err)
		}
		if got := <-out; got != line {
			t.Errorf("got %q, want %q", got, line)
		}
	}
}

// arriving hands on every write.
type arriving chan string

func (a arriving) Write(text []byte) (int, error) { a <- string(text); return len(text), nil }

// TestLogWriterGoesOn: what could not be written is lost, what comes later is
// not.
func TestLogWriterGoesOn(t *testing.T) {
	out := &failingOnce{writes: newWrites()}
	writer := newLogWriter(out)
	for _, line := range []string{"lost\n", "kept\n"} {
		if _, err := writer.Write([]byte(line)); err != nil {
			t.Fatal(err)
		}
		if err := writer.Flush(); (err != nil) != (line == "lost\n") {
			t.Errorf("%q: %v", line, err)
		}
	}
	if got := strings.Join(out.get(), ""); got != "kept\n" {
		t.Errorf("got %q", got)
	}
}

// failingOnce refuses the first write.
type failingOnce struct {
	*writes

	failed bool
}

func (f *failingOnce) Write(text []byte) (int, error) {
	if !f.failed {
		f.failed = true
		return 0, errors.New("the disk is full")
	}
	return f.writes.Write(text)
}

func TestWarningsDoNotWaitInTheLogWriter(t *testing.T) {
	for _, format := range []string{"text", "json"} {
		out := newWrites()
		logger, err := logSettings{level: "info", format: format}.newLogger(newLogWriter(out))
		if err != nil {
			t.Fatal(err)
		}
		logger = logger.With("a", 1).WithGroup("g")
		logger.Info("first", "b", 2)
		logger.Warn("second", "b", 3)
		if got := strings.Join(out.get(), ""); strings.Count(got, "\n") != 2 || !strings.Contains(got, "second") {
			t.Errorf("%s: got %q", format, got)
		}
	}
}
