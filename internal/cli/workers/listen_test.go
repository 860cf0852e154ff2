package workers

import (
	"context"
	"testing"
	"time"

	"go.uber.org/goleak"
	"google.golang.org/protobuf/proto"

	mqrpcv1 "github.com/mqrpc/mqrpc/proto/mqrpc/v1"
	"github.com/mqrpc/mqrpc/runtime"
	"github.com/mqrpc/mqrpc/runtime/memory"
	"github.com/mqrpc/mqrpc/wire"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// connect opens a transport until the test ends.
func connect(t *testing.T, broker *memory.Broker) runtime.Transport {
	t.Helper()
	transport := broker.Connect()
	t.Cleanup(func() { _ = transport.Close(context.Background()) })
	return transport
}

// TestListen: the last claim of each instance counts, those that stop
// are gone, and what is no claim is passed over.
func TestListen(t *testing.T) {
	broker := memory.NewBroker(memory.Config{})
	sender := connect(t, broker)
	announce := func(kind string, body []byte) error {
		result := make(chan error, 1)
		sender.Publish(runtime.Publishing{
			Exchange: wire.AnnouncementsExchange, RoutingKey: "a.1", Type: kind, Body: body,
		}, func(err error) { result <- err })
		return <-result
	}
	encoded := func(instance string, answered uint64, stopping bool) []byte {
		body, err := proto.Marshal(&mqrpcv1.Claim{
			Module: "a", Version: "1", Instance: instance, Answered: answered, Stopping: stopping,
		})
		if err != nil {
			t.Fatal(err)
		}
		return body
	}
	sent := make(chan struct{})
	go func() {
		defer close(sent)
		// Nobody hears it until the listener is there.
		for announce(wire.TypeClaim, encoded("x", 1, false)) != nil {
		}
		_ = announce(wire.TypeClaim, encoded("y", 1, false))
		_ = announce(wire.TypeClaim, encoded("y", 2, true))
		_ = announce(wire.TypeChange, encoded("z", 1, false))
		_ = announce(wire.TypeClaim, []byte("\xff"))
		_ = announce(wire.TypeClaim, encoded("x", 7, false))
	}()
	heard, err := Listen(t.Context(), connect(t, broker), time.Minute, func(heard []*mqrpcv1.Claim) bool {
		return len(heard) == 1 && heard[0].GetAnswered() == 7
	})
	<-sent
	if err != nil || len(heard) != 1 || heard[0].GetInstance() != "x" || heard[0].GetAnswered() != 7 {
		t.Errorf("got %v, %v", heard, err)
	}
	if err := announce(wire.TypeClaim, encoded("x", 8, false)); err == nil {
		t.Error("the listener's queue is still there")
	}
}

func TestListenForATime(t *testing.T) {
	heard, err := Listen(t.Context(), connect(t, memory.NewBroker(memory.Config{})), time.Millisecond, nil)
	if err != nil || len(heard) != 0 {
		t.Errorf("got %v, %v", heard, err)
	}
}

func TestListenFails(t *testing.T) {
	transport := connect(t, memory.NewBroker(memory.Config{}))
	if err := transport.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := Listen(t.Context(), transport, time.Minute, nil); err == nil {
		t.Error("it listens over a closed transport")
	}
}
