package runtime_test

import (
	"context"
	"testing"

	"github.com/mqrpc/mqrpc/runtime"
	"github.com/mqrpc/mqrpc/runtime/transport"
	"github.com/mqrpc/mqrpc/wire"
)

// TestEveryDeliveryOfAMessageIsSettled: of one that its client has sent again, and
// that still runs when the worker's connection breaks, two come again.
func TestEveryDeliveryOfAMessageIsSettled(t *testing.T) {
	s := newStand(t)
	started, release := make(chan struct{}, 10), make(chan struct{})
	conn := s.connect()
	const prefetch = 3
	worker := s.worker(conn, runtime.WorkerConfig{Prefetch: prefetch}, handlers{
		"Echo": echo,
		"Block": func(context.Context, []byte) ([]byte, error) {
			started <- struct{}{}
			<-release
			return nil, nil
		},
	})
	client := s.client(s.connect(), runtime.ClientConfig{})
	send := func(id uint64) {
		body := wire.AppendCall(nil, &wire.Call{ID: id, Method: "Echo.Block", Timeout: patience})
		s.publish(s.connect(), transport.Publishing{Exchange: wire.CallsExchange, RoutingKey: "test.1_0", Type: wire.TypeCall, ReplyTo: "gone-1", Body: body})
		receive(t, started, "a call runs")
	}
	send(1)
	send(1)
	conn.Cut()
	if _, err := call(t.Context(), client, "Echo", "behind those that come again"); err != nil {
		t.Fatal(err)
	}
	release <- struct{}{}
	release <- struct{}{}
	eventually(t, "both calls are answered", func() bool { return worker.Stats().Undeliverable == 2 })
	for id := range uint64(prefetch) {
		send(id + 2) // there is room for as many as ever
	}
	close(release)
}
