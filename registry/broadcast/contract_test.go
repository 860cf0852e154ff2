package broadcast_test

import (
	"context"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/mqrpc/mqrpc/registry"
	"github.com/mqrpc/mqrpc/registry/broadcast"
	"github.com/mqrpc/mqrpc/registry/registrytest"
	"github.com/mqrpc/mqrpc/registry/sql"
	"github.com/mqrpc/mqrpc/runtime/memory"
	"github.com/mqrpc/mqrpc/runtime/transport"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// TestContract runs the suite over the memory transport.
func TestContract(t *testing.T) {
	t.Parallel()
	registrytest.Run(t, registrytest.Harness{
		New:   func(*testing.T) registrytest.Backend { return overMemory() },
		Lacks: map[registrytest.Feature]string{registrytest.Expire: neverExpires},
	})
}

// TestContractWithSQLite has the states in a store that takes its time, and
// keeps the processor and the disk to itself.
func TestContractWithSQLite(t *testing.T) {
	registrytest.Run(t, withSQLite(func(*testing.T) registrytest.Backend { return overMemory() }))
}

const neverExpires = "a queue expires after a minute"

// withSQLite is the harness of a notifier with SQLite.
func withSQLite(notifier func(*testing.T) registrytest.Backend) registrytest.Harness {
	return registrytest.Harness{
		New: func(t *testing.T) registrytest.Backend {
			backend := notifier(t)
			open := sqlite(t)
			backend.Store = func(t *testing.T) registry.Store { return open(t) }
			return backend
		},
		Lacks: map[registrytest.Feature]string{
			registrytest.Expire: neverExpires,
			registrytest.Stop:   "a file does not stop",
		},
		StoreAlone: true,
	}
}

// sqlite returns a function that opens one database.
func sqlite(t testing.TB) func(testing.TB) registry.Store {
	t.Helper()
	file := filepath.Join(t.TempDir(), "registry.db")
	return func(t testing.TB) registry.Store {
		t.Helper()
		store, err := sql.OpenSQLite(t.Context(), sql.SQLiteConfig{Path: file})
		if err != nil {
			t.Fatal(err)
		}
		return store
	}
}

func overMemory() registrytest.Backend {
	const grace = 200 * time.Millisecond
	broker := memory.NewBroker(memory.Config{Grace: grace})
	var mu sync.Mutex
	var transports []*memory.Transport
	return registrytest.Backend{
		Notifier: func(t *testing.T) registry.Notifier {
			conn := broker.Connect()
			mu.Lock()
			transports = append(transports, conn)
			mu.Unlock()
			return owner(t, conn)
		},
		Sever: func(*testing.T) {
			mu.Lock()
			defer mu.Unlock()
			for _, conn := range transports {
				conn.Cut()
			}
		},
		Stop:  func(*testing.T) { broker.Stop() },
		Start: func(*testing.T) { broker.Start() },
	}
}

// owned is a notifier that closes its transport.
type owned struct {
	*broadcast.Notifier

	transport transport.Transport
}

func owner(t testing.TB, conn transport.Transport) registry.Notifier {
	t.Helper()
	notifier, err := broadcast.New(broadcast.Config{Transport: conn})
	if err != nil {
		t.Fatal(err)
	}
	return &owned{notifier, conn}
}

func (o *owned) Close() error {
	if err := o.Notifier.Close(); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	return o.transport.Close(ctx)
}
