//go:build services

package rabbitmq_test

import (
	"log/slog"
	"net/url"
	"os"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/mqrpc/mqrpc/internal/faultproxy"
	"github.com/mqrpc/mqrpc/internal/testbroker"
	"github.com/mqrpc/mqrpc/runtime/rabbitmq"
	"github.com/mqrpc/mqrpc/runtime/transport"
	"github.com/mqrpc/mqrpc/runtime/transport/transporttest"
)

var private testbroker.Lazy

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m, goleak.Cleanup(func(code int) {
		private.Close()
		os.Exit(code)
	}))
}

// grace is shorter than the default, so that the suite waits less.
const grace = 400 * time.Millisecond

func TestContract(t *testing.T) {
	address := testbroker.Shared(t)
	proxies := &severable{address: address, proxies: map[transport.Transport]*faultproxy.Proxy{}}
	transporttest.Run(t, transporttest.Harness{
		Grace:   grace,
		Connect: proxies.connect,
		Sever:   proxies.sever,
		Lacks: map[transporttest.Feature]string{
			transporttest.Restarting: "the broker is shared",
			transporttest.Blocking:   "the broker is shared",
		},
	})
}

func TestContractUnderBrokerFaults(t *testing.T) {
	broker := private.Get(t)
	transporttest.RunFaults(t, transporttest.Harness{
		Grace: grace,
		Connect: func(t testing.TB) transport.Transport {
			return connect(t, broker.URL())
		},
		StopBroker:  func(testing.TB) { broker.Stop() },
		StartBroker: func(testing.TB) { broker.Start() },
		Block: func(_ testing.TB, blocked bool) {
			if blocked {
				broker.Block()
			} else {
				broker.Unblock()
			}
		},
		Lacks: map[transporttest.Feature]string{transporttest.Severing: "the suite without broker faults does it"},
	})
}

func connect(t testing.TB, address string) *rabbitmq.Transport {
	t.Helper()
	conn, err := rabbitmq.Connect(rabbitmq.Config{
		URLs: []string{address}, Grace: grace, Logger: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	return conn
}

// severable makes connections that can be severed one by one, each through a
// proxy of its own.
type severable struct {
	address string

	mu      sync.Mutex
	proxies map[transport.Transport]*faultproxy.Proxy
}

func (s *severable) connect(t testing.TB) transport.Transport {
	t.Helper()
	u, err := url.Parse(s.address)
	if err != nil {
		t.Fatal(err)
	}
	proxy := faultproxy.New(t, u.Host)
	u.Host = proxy.Addr()
	conn := connect(t, u.String())
	s.mu.Lock()
	defer s.mu.Unlock()
	s.proxies[conn] = proxy
	return conn
}

func (s *severable) sever(_ testing.TB, conn transport.Transport) (restore func()) {
	s.mu.Lock()
	proxy := s.proxies[conn]
	s.mu.Unlock()
	proxy.Refuse(true)
	proxy.Cut()
	return func() { proxy.Refuse(false) }
}
