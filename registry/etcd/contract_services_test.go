//go:build services

package etcd_test

import (
	"crypto/rand"
	"net/url"
	"testing"

	"go.uber.org/goleak"

	"github.com/mqrpc/mqrpc/internal/faultproxy"
	"github.com/mqrpc/mqrpc/internal/testserver"
	"github.com/mqrpc/mqrpc/registry"
	"github.com/mqrpc/mqrpc/registry/etcd"
	"github.com/mqrpc/mqrpc/registry/registrytest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// TestContract runs the suite against the shared etcd, through a proxy that can
// cut it off.
func TestContract(t *testing.T) {
	address := testserver.Shared(t, testserver.Etcd)
	registrytest.Run(t, registrytest.Harness{
		New: func(t *testing.T) registrytest.Backend {
			proxy := faultproxy.New(t, hostOf(t, address))
			open := opener(etcd.Config{
				Endpoints: []string{"http://" + proxy.Addr()},
				Prefix:    "/test/" + rand.Text(),
			})
			return registrytest.Backend{
				Store:    func(t *testing.T) registry.Store { return open(t) },
				Notifier: func(t *testing.T) registry.Notifier { return open(t) },
				Sever:    func(*testing.T) { proxy.Cut() },
				Stop:     func(*testing.T) { proxy.Refuse(true); proxy.Cut() },
				Start:    func(*testing.T) { proxy.Refuse(false) },
			}
		},
		Lacks: map[registrytest.Feature]string{
			registrytest.Expire:   "nothing lives in a session of etcd's",
			registrytest.Announce: "saving is the announcement",
		},
	})
}

func opener(config etcd.Config) func(t *testing.T) *etcd.Registry {
	return func(t *testing.T) *etcd.Registry {
		t.Helper()
		r, err := etcd.Open(config)
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
}

func hostOf(t *testing.T, address string) string {
	t.Helper()
	parsed, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	return parsed.Host
}
