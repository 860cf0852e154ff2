package transport_test

import (
	"context"
	"errors"
	"testing"

	"github.com/mqrpc/mqrpc/runtime/memory"
	"github.com/mqrpc/mqrpc/runtime/transport"
	"github.com/mqrpc/mqrpc/wire"
)

func TestConsumePersistentlyUntilTheRefusalIsLifted(t *testing.T) {
	broker := memory.NewBroker(memory.Config{})
	owner, other := broker.Connect(), broker.Connect()
	queue := transport.Queue{
		Name: "q", Exclusive: true, Bindings: []transport.Binding{{Exchange: wire.ControlExchange, Key: "q"}},
	}
	if _, err := owner.Consume(t.Context(), queue, func(*transport.Delivery) {}); err != nil {
		t.Fatal(err)
	}
	refused := 0
	consumer, err := transport.ConsumePersistently(t.Context(), other, queue, func(*transport.Delivery) {}, func(error) {
		if refused++; refused == 2 {
			_ = owner.Close(context.Background())
		}
	})
	if err != nil || refused < 2 {
		t.Fatalf("after %d refusals: %v", refused, err)
	}
	if err := consumer.Stop(t.Context()); err != nil {
		t.Error(err)
	}
	_ = other.Close(context.Background())
	if _, err := transport.ConsumePersistently(t.Context(), other, queue, func(*transport.Delivery) {}, func(error) {}); !errors.Is(err, transport.ErrClosed) {
		t.Errorf("over a closed transport: %v", err)
	}
}

func TestConnectsTellsOfNewConnectionsAlone(t *testing.T) {
	conn := memory.New()
	defer func() { _ = conn.Close(context.Background()) }()
	fromStart, stop := transport.Connects(conn, 0)
	defer stop()
	<-fromStart
	later, stop := transport.Connects(conn, conn.State().Connects)
	defer stop()
	select {
	case <-later:
		t.Error("told of a connection that was there")
	default:
	}
	conn.Cut()
	<-later
	<-fromStart
}
