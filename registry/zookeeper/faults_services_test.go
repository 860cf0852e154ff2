//go:build services

package zookeeper_test

import (
	"crypto/rand"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/go-zookeeper/zk"

	"github.com/mqrpc/mqrpc/contract"
	"github.com/mqrpc/mqrpc/internal/testserver"
	"github.com/mqrpc/mqrpc/registry"
	"github.com/mqrpc/mqrpc/registry/registrytest"
	"github.com/mqrpc/mqrpc/registry/zookeeper"
)

// TestContractWhileKilled has a private ZooKeeper killed and started again,
// after less and after more than a session's life.
func TestContractWhileKilled(t *testing.T) {
	server := testserver.Start(t, testserver.ZooKeeper, testserver.Options{})
	registrytest.RunFaults(t, registrytest.Harness{
		New: func(*testing.T) registrytest.Backend {
			open := opener(zookeeper.Config{
				Servers:        []string{server.Address()},
				Root:           "/test/" + rand.Text(),
				SessionTimeout: sessionTimeout,
			})
			return registrytest.Backend{
				Store:    func(t *testing.T) registry.Store { return open(t) },
				Notifier: func(t *testing.T) registry.Notifier { return open(t) },
				Sever:    func(*testing.T) { server.Kill(); server.Start() },
				Expire: func(*testing.T) {
					server.Kill()
					<-time.After(2 * sessionTimeout)
					server.Start()
				},
				Stop:  func(*testing.T) { server.Kill() },
				Start: func(*testing.T) { server.Start() },
			}
		},
		Lacks: map[registrytest.Feature]string{
			registrytest.Announce: "saving is the announcement",
		},
	})
}

// TestCredentials has nodes that belong to one user.
func TestCredentials(t *testing.T) {
	key := contract.Key{Module: "wxapp", Version: "1.0"}
	config := zookeeper.Config{
		Servers:  []string{testserver.Shared(t, testserver.ZooKeeper)},
		Root:     "/test/" + rand.Text(),
		Username: "ada", Password: "right",
	}
	owner := open(t, config)
	api := registrytest.API(key, 1, 1)
	if err := owner.Save(t.Context(), api); err != nil {
		t.Fatal(err)
	}
	if _, err := open(t, config).Load(t.Context(), key); err != nil {
		t.Errorf("the owner, connected once more: %v", err)
	}
	stranger := config
	stranger.Password = "hunter2"
	_, err := open(t, stranger).Load(t.Context(), key)
	if err == nil || errors.Is(err, registry.ErrUnavailable) || !strings.Contains(err.Error(), "check the user") {
		t.Errorf("with a wrong password: %v, want an error that says what to check", err)
	}
	if err != nil && strings.Contains(err.Error(), stranger.Password) {
		t.Errorf("the error %q tells the password", err)
	}
}

func BenchmarkChange(b *testing.B) {
	config := zookeeper.Config{
		Servers: []string{testserver.Shared(b, testserver.ZooKeeper)},
		Root:    "/test/" + rand.Text(),
	}
	writer, reader := open(b, config), open(b, config)
	registrytest.BenchmarkChange(b, writer, writer, reader, reader)
}

func open(t testing.TB, config zookeeper.Config) *zookeeper.Registry {
	t.Helper()
	r, err := zookeeper.Open(config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := r.Close(); err != nil {
			t.Error(err)
		}
	})
	return r
}

// TestDamagedHead: an API whose head cannot be read holds no other up.
func TestDamagedHead(t *testing.T) {
	config := zookeeper.Config{
		Servers: []string{testserver.Shared(t, testserver.ZooKeeper)}, Root: "/test/" + rand.Text(),
		Logger: slog.New(slog.DiscardHandler),
	}
	store := open(t, config)
	good, damaged := contract.Key{Module: "wxapp", Version: "1.0"}, contract.Key{Module: "other", Version: "1"}
	for _, key := range []contract.Key{good, damaged} {
		if err := store.Save(t.Context(), registrytest.API(key, 1, 1)); err != nil {
			t.Fatal(err)
		}
	}
	conn, _, err := zk.Connect(config.Servers, 10*time.Second, zk.WithLogInfo(false))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := conn.Set(config.Root+"/apis/other/1", []byte("{damaged"), -1); err != nil {
		t.Fatal(err)
	}
	registrytest.CheckDamagedHead(t, store, good, damaged)
}
