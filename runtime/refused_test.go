package runtime_test

import (
	"context"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/mqrpc/mqrpc/runtime"
	"github.com/mqrpc/mqrpc/runtime/memory"
	"github.com/mqrpc/mqrpc/runtime/transport"
	"github.com/mqrpc/mqrpc/wire"
)

// stall binds a queue to an exchange and fills it, so that the broker refuses
// every message for it until it is emptied.
func (s *stand) stall(binding transport.Binding) (empty func()) {
	s.t.Helper()
	conn := s.connect()
	release := make(chan struct{})
	held := make(chan transport.Settler, 1)
	tap, err := conn.Consume(s.t.Context(), transport.Queue{
		Name: "stalled", Bindings: []transport.Binding{binding, {Exchange: wire.ChangesExchange, Key: "fill"}}, Prefetch: 1,
	}, func(d *transport.Delivery) {
		select {
		case held <- d.Settle:
		case <-release:
			d.Settle.Ack()
		}
	})
	if err != nil {
		s.t.Fatal(err)
	}
	filling := transport.Publishing{Exchange: wire.ChangesExchange, RoutingKey: "fill", Type: "test.fill"}
	for full := false; !full; {
		done := make(chan error, 1)
		conn.Publish(filling, func(err error) { done <- err })
		full = receive(s.t, done, "the broker has a message") != nil
	}
	return func() {
		close(release)
		receive(s.t, held, "the queue's first message").Ack()
		s.t.Cleanup(func() { _ = tap.Stop(context.Background()) })
	}
}

func newSmallStand(t *testing.T) *stand {
	return &stand{t: t, broker: memory.NewBroker(memory.Config{MaxMessages: 8})}
}

func TestRefusedRepliesAreSentAgain(t *testing.T) {
	s := newSmallStand(t)
	worker := s.worker(s.connect(), runtime.WorkerConfig{}, handlers{"Echo": echo})
	client := s.client(s.connect(), runtime.ClientConfig{})
	empty := s.stall(transport.Binding{Exchange: wire.RepliesExchange, Key: "*.test.1_0"})
	outcome := make(chan error, 1)
	go func() {
		_, err := call(t.Context(), client, "Echo", "x")
		outcome <- err
	}()
	eventually(t, "the reply was sent", func() bool { return worker.Stats().Replies == 1 })
	empty()
	if err := receive(t, outcome, "the caller gets the reply"); err != nil {
		t.Error(err)
	}
	if n := worker.Stats().Undeliverable; n != 0 {
		t.Errorf("%d replies count as undeliverable", n)
	}
}

// TestRefusedCallsMayHaveRun: those that may be repeated are sent again, others
// end at once.
func TestRefusedCallsMayHaveRun(t *testing.T) {
	s := newSmallStand(t)
	s.worker(s.connect(), runtime.WorkerConfig{}, handlers{"Echo": echo})
	client := s.client(s.connect(), runtime.ClientConfig{})
	empty := s.stall(transport.Binding{Exchange: wire.CallsExchange, Key: "test.*"})
	if _, err := call(t.Context(), client, "Echo", "x"); runtime.CodeOf(err) != codes.Aborted {
		t.Errorf("got %v, want ABORTED", err)
	}
	repeatable := echoMethod("Echo")
	repeatable.Idempotency = runtime.NoSideEffects
	outcome := make(chan error, 1)
	invoke := func(timeout time.Duration) {
		_, err := client.Invoke(t.Context(), &runtime.Call{Method: repeatable, Message: wrapperspb.Bytes(nil), Timeout: timeout})
		outcome <- err
	}
	go invoke(20 * time.Millisecond)
	if err := receive(t, outcome, "the call ends"); runtime.CodeOf(err) != codes.DeadlineExceeded {
		t.Errorf("got %v, want DEADLINE_EXCEEDED", err)
	}
	go invoke(patience)
	eventually(t, "the call is sent again", func() bool { return client.Stats().Resent > 1 })
	empty()
	if err := receive(t, outcome, "the caller gets the reply"); err != nil {
		t.Error(err)
	}
}
