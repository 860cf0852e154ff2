package runtime_test

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"google.golang.org/grpc/codes"

	"github.com/mqrpc/mqrpc/runtime"
)

func echo(_ context.Context, in []byte) ([]byte, error) { return in, nil }

// TestNewMethodIsFoundAmongOldInstances: while an API is upgraded, calls of a new
// method reach the instance that has it, each once.
func TestNewMethodIsFoundAmongOldInstances(t *testing.T) {
	s := newStand(t)
	var ran atomic.Int64
	for range 2 {
		s.worker(s.connect(), runtime.WorkerConfig{}, handlers{"Old": echo})
	}
	s.worker(s.connect(), runtime.WorkerConfig{}, handlers{"Old": echo, "New": func(_ context.Context, in []byte) ([]byte, error) {
		ran.Add(1)
		return in, nil
	}})
	client := s.client(s.connect(), runtime.ClientConfig{})
	const calls = 30
	for range calls {
		if got, err := call(t.Context(), client, "New", "x"); got != "x" || err != nil {
			t.Fatalf("got %q, %v", got, err)
		}
	}
	if n := ran.Load(); n != calls {
		t.Errorf("%d calls ran %d times", calls, n)
	}
}

// TestMethodThatNobodyHasIsUnimplemented after all instances were asked.
func TestMethodThatNobodyHasIsUnimplemented(t *testing.T) {
	s := newStand(t)
	s.worker(s.connect(), runtime.WorkerConfig{}, handlers{"Old": echo})
	client := s.client(s.connect(), runtime.ClientConfig{})
	began := time.Now()
	for range 3 { // the answer holds for the later ones
		if _, err := call(t.Context(), client, "New", "x"); runtime.CodeOf(err) != codes.Unimplemented {
			t.Fatalf("got %v, want UNIMPLEMENTED", err)
		}
	}
	if took := time.Since(began); took > 3*time.Second {
		t.Errorf("that took %v", took)
	}
}

// TestUnimplementedOfAHandlerIsTheLastWord: it ran, and must not run again.
func TestUnimplementedOfAHandlerIsTheLastWord(t *testing.T) {
	s := newStand(t)
	var ran atomic.Int64
	s.worker(s.connect(), runtime.WorkerConfig{}, handlers{"Half": func(context.Context, []byte) ([]byte, error) {
		ran.Add(1)
		return nil, runtime.NewError(codes.Unimplemented, "this half is missing")
	}})
	client := s.client(s.connect(), runtime.ClientConfig{})
	_, err := call(t.Context(), client, "Half", "")
	var failure *runtime.Error
	if !errors.As(err, &failure) || failure.Code() != codes.Unimplemented || failure.Message() != "this half is missing" {
		t.Errorf("got %v", err)
	}
	if n := ran.Load(); n != 1 {
		t.Errorf("the handler ran %d times", n)
	}
}
