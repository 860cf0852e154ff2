package cli

import (
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
)

// writes notes every write.
type writes struct {
	mu    sync.Mutex
	all   []string
	first chan struct{} // closed by the first one
}

func newWrites() *writes { return &writes{first: make(chan struct{})} }

func (w *writes) Write(text []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.all = append(w.all, string(text)); len(w.all) == 1 {
		close(w.first)
	}
	return len(text), nil
}

func (w *writes) get() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.all
}

func TestLogBufferGathersLines(t *testing.T) {
	out := newWrites()
	buffer := newLogBuffer(out)
	var want strings.Builder
	for i := range 3 * maxLogBuffer / len("line 00000\n") {
		line := fmt.Sprintf("line %05d\n", i)
		want.WriteString(line)
		if n, err := buffer.Write([]byte(line)); n != len(line) || err != nil {
			t.Fatal(n, err)
		}
	}
	if err := buffer.Flush(); err != nil {
		t.Fatal(err)
	}
	got := out.get()
	if strings.Join(got, "") != want.String() {
		t.Error("lines are missing or out of order")
	}
	if len(got) < 3 {
		t.Errorf("%d writes of more than %d bytes together", len(got), 2*maxLogBuffer)
	}
}

// TestLogBufferDoesNotWaitForMore: a line that comes alone is written by itself,
// and so is a later one.
func TestLogBufferDoesNotWaitForMore(t *testing.T) {
	out := newWrites()
	buffer := newLogBuffer(out)
	if _, err := buffer.Write([]byte("alone\n")); err != nil {
		t.Fatal(err)
	}
	<-out.first
	second := newWrites()
	buffer.mu.Lock()
	buffer.out = second
	buffer.mu.Unlock()
	if _, err := buffer.Write([]byte("later\n")); err != nil {
		t.Fatal(err)
	}
	<-second.first
}

func TestWarningsDoNotWaitInTheLogBuffer(t *testing.T) {
	out := newWrites()
	buffer := newLogBuffer(out)
	logger := buffer.promptly(slog.New(slog.NewTextHandler(buffer, nil))).With("a", 1).WithGroup("g")
	logger.Info("first", "b", 2)
	logger.Warn("second", "b", 3)
	got := strings.Join(out.get(), "")
	for _, want := range []string{"msg=first a=1 g.b=2\n", "msg=second a=1 g.b=3\n"} {
		if !strings.Contains(got, want) {
			t.Errorf("%q is not in %q", want, got)
		}
	}
}
