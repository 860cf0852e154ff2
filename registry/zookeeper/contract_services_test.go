//go:build services

package zookeeper_test

import (
	"crypto/rand"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/mqrpc/mqrpc/internal/faultproxy"
	"github.com/mqrpc/mqrpc/internal/testserver"
	"github.com/mqrpc/mqrpc/registry"
	"github.com/mqrpc/mqrpc/registry/registrytest"
	"github.com/mqrpc/mqrpc/registry/zookeeper"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// sessionTimeout is short, so that sessions expire while a test waits.
const sessionTimeout = 600 * time.Millisecond

// TestContract runs the suite against the shared ZooKeeper, through a proxy that
// can cut it off.
func TestContract(t *testing.T) {
	address := testserver.Shared(t, testserver.ZooKeeper)
	registrytest.Run(t, registrytest.Harness{
		New: func(t *testing.T) registrytest.Backend {
			proxy := faultproxy.New(t, address)
			open := opener(zookeeper.Config{
				Servers:        []string{proxy.Addr()},
				Root:           "/test/" + rand.Text(),
				SessionTimeout: sessionTimeout,
			})
			return registrytest.Backend{
				Store:    func(t *testing.T) registry.Store { return open(t) },
				Notifier: func(t *testing.T) registry.Notifier { return open(t) },
				Sever:    func(*testing.T) { proxy.Cut() },
				Expire:   func(*testing.T) { expire(proxy) },
				Stop:     func(*testing.T) { proxy.Refuse(true); proxy.Cut() },
				Start:    func(*testing.T) { proxy.Refuse(false) },
			}
		},
		Lacks: map[registrytest.Feature]string{
			registrytest.Announce: "saving is the announcement",
		},
	})
}

// expire falls silent for longer than sessions live.
func expire(proxy *faultproxy.Proxy) {
	proxy.Refuse(true)
	proxy.Cut()
	<-time.After(2 * sessionTimeout)
	proxy.Refuse(false)
}

func opener(config zookeeper.Config) func(t *testing.T) *zookeeper.Registry {
	return func(t *testing.T) *zookeeper.Registry {
		t.Helper()
		r, err := zookeeper.Open(config)
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
}
