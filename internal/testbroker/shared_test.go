package testbroker

import (
	"fmt"
	"runtime"
	"strings"
	"testing"
)

// TestSharedUnset checks that a test without a broker fails, and says what to
// run.
func TestSharedUnset(t *testing.T) {
	t.Setenv(urlVariable, "")
	recorder := &fatalRecorder{TB: t}
	done := make(chan struct{})
	go func() {
		defer close(done)
		Shared(recorder)
	}()
	<-done
	for _, want := range []string{urlVariable, "make test", "scripts/services run"} {
		if !strings.Contains(recorder.message, want) {
			t.Errorf("the failure's message is %q, want %q in it", recorder.message, want)
		}
	}
}

// fatalRecorder is a test that keeps the message it fails with.
type fatalRecorder struct {
	testing.TB
	message string
}

func (r *fatalRecorder) Helper() {}

func (r *fatalRecorder) Fatalf(format string, args ...any) {
	r.message = fmt.Sprintf(format, args...)
	runtime.Goexit()
}
