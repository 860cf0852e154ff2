//go:build services

package broadcast_test

import (
	"net/url"
	"sync"
	"testing"
	"time"

	"github.com/mqrpc/mqrpc/internal/faultproxy"
	"github.com/mqrpc/mqrpc/internal/testbroker"
	"github.com/mqrpc/mqrpc/registry"
	"github.com/mqrpc/mqrpc/registry/registrytest"
	"github.com/mqrpc/mqrpc/runtime/rabbitmq"
	"github.com/mqrpc/mqrpc/runtime/transport"
)

// TestContractOverRabbitMQ runs the suite against the shared RabbitMQ, through a
// proxy that can cut it off.
func TestContractOverRabbitMQ(t *testing.T) {
	t.Parallel()
	registrytest.Run(t, registrytest.Harness{
		New:   overRabbitMQ,
		Lacks: map[registrytest.Feature]string{registrytest.Expire: neverExpires},
	})
}

// TestContractOverRabbitMQWithSQLite is as TestContractWithSQLite.
func TestContractOverRabbitMQWithSQLite(t *testing.T) { registrytest.Run(t, withSQLite(overRabbitMQ)) }

func overRabbitMQ(t *testing.T) registrytest.Backend {
	t.Helper()
	address, err := url.Parse(testbroker.Shared(t))
	if err != nil {
		t.Fatal(err)
	}
	proxy := faultproxy.New(t, address.Host)
	address.Host = proxy.Addr()
	var transports []*rabbitmq.Transport
	return registrytest.Backend{
		Notifier: func(t *testing.T) registry.Notifier {
			t.Helper()
			conn := connect(t, address.String())
			transports = append(transports, conn)
			return owner(t, conn)
		},
		Sever: func(*testing.T) { proxy.Cut() },
		Stop: func(t *testing.T) {
			t.Helper()
			proxy.Refuse(true)
			proxy.Cut()
			for _, conn := range transports {
				waitForLoss(t, conn)
			}
		},
		Start: func(*testing.T) { proxy.Refuse(false) },
	}
}

// waitForLoss waits until a transport has noticed that it is cut off.
func waitForLoss(t *testing.T, conn *rabbitmq.Transport) {
	t.Helper()
	lost := make(chan struct{})
	var once sync.Once
	stop := conn.Watch(func(state transport.State) {
		if !state.Connected {
			once.Do(func() { close(lost) })
		}
	})
	defer stop()
	select {
	case <-lost:
	case <-time.After(10 * time.Second):
		t.Fatal("the transport has not noticed that it is cut off")
	}
}

// TestContractWhileKilled has a private RabbitMQ killed and started again: the
// messages in its queues are lost. RabbitMQ's starts take most of the time.
func TestContractWhileKilled(t *testing.T) {
	t.Parallel()
	broker := testbroker.Start(t, testbroker.Options{})
	registrytest.RunFaults(t, registrytest.Harness{
		New: func(*testing.T) registrytest.Backend {
			var transports []*rabbitmq.Transport
			stop := func(t *testing.T) {
				t.Helper()
				broker.Kill()
				for _, conn := range transports {
					waitForLoss(t, conn)
				}
			}
			return registrytest.Backend{
				Notifier: func(t *testing.T) registry.Notifier {
					t.Helper()
					conn := connect(t, broker.URL())
					transports = append(transports, conn)
					return owner(t, conn)
				},
				Sever: func(t *testing.T) { stop(t); broker.Start() },
				Stop:  stop,
				Start: func(*testing.T) { broker.Start() },
			}
		},
		Lacks:    map[registrytest.Feature]string{registrytest.Expire: neverExpires},
		Patience: time.Minute,
	})
}

func connect(t testing.TB, address string) *rabbitmq.Transport {
	t.Helper()
	conn, err := rabbitmq.Connect(rabbitmq.Config{URLs: []string{address}, Grace: 200 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	return conn
}

func BenchmarkChange(b *testing.B) {
	store := sqlite(b)(b)
	defer store.Close()
	writer, reader := owner(b, connect(b, testbroker.Shared(b))), owner(b, connect(b, testbroker.Shared(b)))
	defer writer.Close()
	defer reader.Close()
	registrytest.BenchmarkChange(b, store, writer, store, reader)
}
