package memory_test

import (
	"errors"
	"testing"

	"go.uber.org/goleak"

	"github.com/mqrpc/mqrpc/registry"
	"github.com/mqrpc/mqrpc/registry/memory"
	"github.com/mqrpc/mqrpc/registry/registrytest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func fresh(t *testing.T) registrytest.Backend {
	t.Helper()
	r := memory.New()
	t.Cleanup(func() { _ = r.Close() })
	return registrytest.Backend{
		Store:    func(*testing.T) registry.Store { return r.Connect() },
		Notifier: func(*testing.T) registry.Notifier { return r.Connect() },
		Stop:     func(*testing.T) { r.Fail(errors.New("stopped by the test")) },
		Start:    func(*testing.T) { r.Fail(nil) },
	}
}

func TestContract(t *testing.T) {
	registrytest.Run(t, registrytest.Harness{
		New: fresh,
		Lacks: map[registrytest.Feature]string{
			registrytest.Sever:  "it has no connections",
			registrytest.Expire: "it has no sessions",
		},
	})
}
