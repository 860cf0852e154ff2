package runtime_test

import (
	"bytes"
	"context"
	"strings"
	"testing"

	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/mqrpc/mqrpc/runtime"
	"github.com/mqrpc/mqrpc/runtime/transport"
	"github.com/mqrpc/mqrpc/wire"
)

// TestForgedRepliesAreDropped: who reads a call can answer it only if the broker
// lets him send with the key of its API, and who cannot read it has to guess 64
// bits.
func TestForgedRepliesAreDropped(t *testing.T) {
	s := newStand(t)
	calls := s.hear(s.connect(), "tap", transport.Binding{Exchange: wire.CallsExchange, Key: "#"})
	started, release := make(chan struct{}, 1), make(chan struct{})
	s.worker(s.connect(), runtime.WorkerConfig{}, handlers{"Echo": func(_ context.Context, in []byte) ([]byte, error) {
		started <- struct{}{}
		<-release
		return in, nil
	}})
	client := s.client(s.connect(), runtime.ClientConfig{})
	outcome := make(chan string, 1)
	go func() {
		out, err := call(context.Background(), client, "Echo", "true")
		if err != nil {
			out = err.Error()
		}
		outcome <- out
	}()
	receive(t, started, "the call runs")
	tapped := receive(t, calls, "the tap hears the call")
	decoded, err := wire.DecodeCalls(tapped.Body)
	if err != nil {
		t.Fatal(err)
	}
	evil := s.connect()
	forge := func(module string, id uint64) {
		s.publish(evil, transport.Publishing{
			Exchange: wire.RepliesExchange, RoutingKey: wire.ReplyKey(tapped.ReplyTo, module, "1.0"), Type: wire.TypeReply,
			Body: wire.AppendReply(wire.AppendSender(nil, wire.Sender{Instance: "evil-1", Free: -1}), &wire.Reply{ID: id, Payload: []byte("\x0a\x05false")}),
		})
	}
	forge("evil", decoded[0].ID)
	for id := range uint64(100) {
		forge("test", id+1)
		forge("test", decoded[0].ID+id+1)
	}
	eventually(t, "the client has dropped them", func() bool { return client.Stats().Late == 201 })
	close(release)
	if got := receive(t, outcome, "the call's reply"); got != "true" {
		t.Errorf("the caller got %q", got)
	}
}

func TestIDsAreNotGuessable(t *testing.T) {
	s := newStand(t)
	calls := s.hear(s.connect(), "tap", transport.Binding{Exchange: wire.CallsExchange, Key: "#"})
	s.worker(s.connect(), runtime.WorkerConfig{}, handlers{"Echo": echo})
	client := s.client(s.connect(), runtime.ClientConfig{})
	var bits [64]int
	const n = 400
	for range n {
		if _, err := call(t.Context(), client, "Echo", ""); err != nil {
			t.Fatal(err)
		}
		decoded, err := wire.DecodeCalls(receive(t, calls, "a call").Body)
		if err != nil {
			t.Fatal(err)
		}
		for bit := range bits {
			bits[bit] += int(decoded[0].ID >> bit & 1)
		}
	}
	for bit, ones := range bits {
		if ones < n/4 || ones > n*3/4 { // ten standard deviations
			t.Errorf("bit %d of the ids is set in %d of %d", bit, ones, n)
		}
	}
}

// TestErrorsAreBounded: what an error says beside its message, and does not need
// to, may take much memory at the client.
func TestErrorsAreBounded(t *testing.T) {
	s := newStand(t)
	s.worker(s.connect(), runtime.WorkerConfig{}, handlers{"Echo": func(context.Context, []byte) ([]byte, error) {
		detail := wrapperspb.Bytes(make([]byte, wire.MaxStatusBytes))
		return nil, runtime.NewError(codes.NotFound, "nothing there").WithDetails(detail)
	}})
	client := s.client(s.connect(), runtime.ClientConfig{})
	_, err := call(t.Context(), client, "Echo", "")
	failed := runtime.AsError(err)
	if failed.Code() != codes.NotFound || len(failed.Details()) > 0 || !strings.Contains(failed.Message(), "nothing there (its 1 details could not be sent)") {
		t.Errorf("a large error came as %v, %d details", err, len(failed.Details()))
	}
}

func TestHostileErrorsAreNotDecoded(t *testing.T) {
	s := newStand(t)
	calls := s.hear(s.connect(), "server_test_1.0", transport.Binding{Exchange: wire.CallsExchange, Key: "test.1_0"})
	client := s.client(s.connect(), runtime.ClientConfig{})
	outcome := make(chan error, 1)
	go func() {
		_, err := call(context.Background(), client, "Echo", "")
		outcome <- err
	}()
	message := receive(t, calls, "the call")
	decoded, err := wire.DecodeCalls(message.Body)
	if err != nil {
		t.Fatal(err)
	}
	s.publish(s.connect(), transport.Publishing{
		Exchange: wire.RepliesExchange, RoutingKey: wire.ReplyKey(message.ReplyTo, "test", "1.0"), Type: wire.TypeReply,
		Body: wire.AppendReply(wire.AppendSender(nil, wire.Sender{Instance: "evil-1", Free: -1}), &wire.Reply{
			ID: decoded[0].ID, Status: bytes.Repeat([]byte("\x1a\x00"), wire.MaxStatusBytes), // empty details
		}),
	})
	if err := receive(t, outcome, "the call's end"); runtime.CodeOf(err) != codes.Internal || !strings.Contains(err.Error(), "more than the 65536 allowed") {
		t.Errorf("got %v", err)
	}
}
