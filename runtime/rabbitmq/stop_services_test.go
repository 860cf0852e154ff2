//go:build services

package rabbitmq

import (
	"context"
	"log/slog"
	"testing"
	"time"

	"github.com/mqrpc/mqrpc/internal/testbroker"
	"github.com/mqrpc/mqrpc/runtime/transport"
	"github.com/mqrpc/mqrpc/wire"
)

// TestStoppedConsumersChannelIsClosed once all that was delivered is settled: a
// connection has 2,047 channels, and clients that share it come and go.
func TestStoppedConsumersChannelIsClosed(t *testing.T) {
	conn, err := Connect(Config{URLs: []string{testbroker.Shared(t)}, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := conn.Close(context.Background()); err != nil {
			t.Error(err)
		}
	}()
	delivered := make(chan *transport.Delivery, 1)
	stopped, err := conn.Consume(t.Context(), transport.Queue{
		Name: "stopped-consumer", Expires: time.Minute,
		Bindings: []transport.Binding{{Exchange: wire.ControlExchange, Key: "stopped-consumer"}},
	}, func(d *transport.Delivery) { delivered <- d })
	if err != nil {
		t.Fatal(err)
	}
	channel := stopped.(*consumer).channel
	conn.Publish(transport.Publishing{Exchange: wire.ControlExchange, RoutingKey: "stopped-consumer", Type: "test"}, func(err error) {
		if err != nil {
			t.Error(err)
		}
	})
	d := <-delivered
	if err := stopped.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	if channel.IsClosed() {
		t.Fatal("the channel is closed, and a message is not settled")
	}
	d.Settle.Ack()
	for deadline := time.Now().Add(10 * time.Second); !channel.IsClosed(); {
		if time.Now().After(deadline) {
			t.Fatal("the channel is still open")
		}
		<-time.After(time.Millisecond)
	}
	if removed, err := stopped.Remove(t.Context()); !removed || err != nil {
		t.Errorf("the queue is removed: %t, %v; what was settled is still in it", removed, err)
	}
}
