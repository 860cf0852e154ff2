package memory_test

import (
	"testing"
	"time"

	"github.com/mqrpc/mqrpc/runtime/memory"
	"github.com/mqrpc/mqrpc/runtime/transport"
	"github.com/mqrpc/mqrpc/runtime/transport/transporttest"
)

func TestContract(t *testing.T) {
	transporttest.Run(t, harness())
}

func TestContractUnderBrokerFaults(t *testing.T) {
	transporttest.RunFaults(t, harness())
}

func harness() transporttest.Harness {
	const grace = 400 * time.Millisecond
	broker := memory.NewBroker(memory.Config{Grace: grace})
	return transporttest.Harness{
		Grace:   grace,
		Connect: func(testing.TB) transport.Transport { return broker.Connect() },
		Sever: func(_ testing.TB, conn transport.Transport) func() {
			return conn.(*memory.Transport).Sever()
		},
		StopBroker:  func(testing.TB) { broker.Stop() },
		StartBroker: func(testing.TB) { broker.Start() },
		Block:       func(_ testing.TB, blocked bool) { broker.Block(blocked) },
	}
}
