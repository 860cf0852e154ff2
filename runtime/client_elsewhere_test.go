package runtime_test

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"time"

	spb "google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"

	"github.com/mqrpc/mqrpc/runtime"
	"github.com/mqrpc/mqrpc/runtime/transport"
	"github.com/mqrpc/mqrpc/wire"
)

func echo(_ context.Context, in []byte) ([]byte, error) { return in, nil }

// stub is what generated code has for a method that is not implemented.
func stub(context.Context, []byte) ([]byte, error) {
	return nil, runtime.Unimplemented(echoMethod("New"))
}

// TestNewMethodIsFoundAmongOldInstances, which do not know it, or know it and do
// not implement it: while an API is upgraded, calls of a new
// method reach the instance that has it, each once.
func TestNewMethodIsFoundAmongOldInstances(t *testing.T) {
	s := newStand(t)
	var ran atomic.Int64
	s.worker(s.connect(), runtime.WorkerConfig{}, handlers{"Old": echo})
	s.worker(s.connect(), runtime.WorkerConfig{}, handlers{"Old": echo, "New": nil})
	s.worker(s.connect(), runtime.WorkerConfig{}, handlers{"Old": echo, "New": stub})
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
	s.worker(s.connect(), runtime.WorkerConfig{}, handlers{"Old": echo, "New": nil})
	s.worker(s.connect(), runtime.WorkerConfig{}, handlers{"Old": echo, "New": stub})
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

// TestRepliesSayWhatDidNotRun by a handling time of 0.
func TestRepliesSayWhatDidNotRun(t *testing.T) {
	s := newStand(t)
	replies := s.hear(s.connect(), "tap", transport.Binding{Exchange: wire.RepliesExchange, Key: "#"})
	s.worker(s.connect(), runtime.WorkerConfig{}, handlers{
		"None": nil, "New": stub, "Echo": echo,
		"Fails": func(context.Context, []byte) ([]byte, error) {
			return nil, runtime.NewError(codes.Unimplemented, "half")
		},
		"Forwards": func(context.Context, []byte) ([]byte, error) {
			return nil, unrunElsewhere(t)
		},
	})
	for method, want := range map[string]struct {
		payload string
		code    codes.Code
		ran     bool
	}{
		"Missing":  {code: codes.Unimplemented},
		"None":     {code: codes.Unimplemented},
		"New":      {code: codes.Unimplemented},
		"Echo":     {code: codes.InvalidArgument, payload: "\xff"},
		"Fails":    {code: codes.Unimplemented, ran: true},
		"Forwards": {code: codes.Unimplemented, ran: true},
	} {
		body := wire.AppendCall(nil, &wire.Call{ID: 1, Method: "Echo." + method, Payload: []byte(want.payload), Timeout: patience})
		s.publish(s.connect(), transport.Publishing{Exchange: wire.CallsExchange, RoutingKey: "test.1_0", Type: wire.TypeCall, ReplyTo: "nobody-1", Body: body})
		_, got, err := wire.DecodeReplies(receive(t, replies, "the reply").Body)
		if err != nil {
			t.Fatal(err)
		}
		var status spb.Status
		if err := proto.Unmarshal(got[0].Status, &status); err != nil {
			t.Fatal(err)
		}
		if codes.Code(status.GetCode()) != want.code || got[0].Handled > 0 != want.ran {
			t.Errorf("%s: handled for %v with %v, want %+v", method, got[0].Handled, &status, want)
		}
	}
}

// unrunElsewhere is the error of a call that a worker did not run.
func unrunElsewhere(t *testing.T) error {
	s := newStand(t)
	s.worker(s.connect(), runtime.WorkerConfig{}, handlers{"Old": echo})
	_, err := call(t.Context(), s.client(s.connect(), runtime.ClientConfig{}), "New", "")
	return err
}
