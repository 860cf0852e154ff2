//go:build services

package etcd_test

import (
	"context"
	"crypto/rand"
	"log/slog"
	"testing"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
	"go.uber.org/zap"

	"github.com/mqrpc/mqrpc/catalog"
	"github.com/mqrpc/mqrpc/contract"
	mqrpcv1 "github.com/mqrpc/mqrpc/proto/mqrpc/v1"

	"github.com/mqrpc/mqrpc/internal/faultproxy"
	"github.com/mqrpc/mqrpc/internal/testbroker"
	"github.com/mqrpc/mqrpc/internal/testserver"
	"github.com/mqrpc/mqrpc/registry"
	"github.com/mqrpc/mqrpc/registry/etcd"
	"github.com/mqrpc/mqrpc/registry/registrytest"
)

var key = contract.Key{Module: "wxapp", Version: "1.0"}

// TestContractWhileKilled has a private etcd killed and started again.
func TestContractWhileKilled(t *testing.T) {
	server := testserver.Start(t, testserver.Etcd, testserver.Options{})
	registrytest.RunFaults(t, registrytest.Harness{
		New: func(*testing.T) registrytest.Backend {
			open := opener(etcd.Config{Endpoints: []string{server.Address()}, Prefix: "/test/" + rand.Text()})
			return registrytest.Backend{
				Store:    func(t *testing.T) registry.Store { return open(t) },
				Notifier: func(t *testing.T) registry.Notifier { return open(t) },
				Sever:    func(*testing.T) { server.Kill(); server.Start() },
				Stop:     func(*testing.T) { server.Kill() },
				Start:    func(*testing.T) { server.Start() },
			}
		},
		Lacks: map[registrytest.Feature]string{
			registrytest.Expire:   "nothing lives in a session of etcd's",
			registrytest.Announce: "saving is the announcement",
		},
	})
}

// TestCompactedWhileCutOff has etcd compact the changes that a watch has not
// seen.
func TestCompactedWhileCutOff(t *testing.T) {
	server := testserver.Start(t, testserver.Etcd, testserver.Options{})
	proxy := faultproxy.New(t, hostOf(t, server.Address()))
	writer := open(t, etcd.Config{Endpoints: []string{server.Address()}})
	cutOff := open(t, etcd.Config{Endpoints: []string{"http://" + proxy.Addr()}})
	applied := make(chan int64, 16)
	gateway, err := catalog.New(catalog.Config{
		Store: cutOff, Notifier: cutOff,
		Changed: func(change catalog.Change) { applied <- change.Registry.Sequence },
	})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = gateway.Close(context.Background()) }()
	api := registrytest.API(key, 1, 1)
	save(t, writer, api)
	if _, err := gateway.API(t.Context(), key.Module, key.Version); err != nil {
		t.Fatal(err)
	}
	waitFor(t, applied, 1)

	proxy.Refuse(true)
	proxy.Cut()
	for range 5 {
		api = registrytest.Next(api, time.Duration(api.GetSequence())*time.Second)
		save(t, writer, api)
	}
	compact(t, server.Address())
	proxy.Refuse(false)
	waitFor(t, applied, 6)

	api = registrytest.Next(api, time.Hour) // and the watch goes on
	save(t, writer, api)
	waitFor(t, applied, 7)
}

// compact drops all that is older than now.
func compact(t *testing.T, endpoint string) {
	t.Helper()
	client, err := clientv3.New(clientv3.Config{Endpoints: []string{endpoint}, Logger: zap.NewNop()})
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	now, err := client.Get(t.Context(), "x")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := client.Compact(t.Context(), now.Header.GetRevision(), clientv3.WithCompactPhysical()); err != nil {
		t.Fatal(err)
	}
}

// TestTLSAndCredentials shows a client certificate, a user and a password.
func TestTLSAndCredentials(t *testing.T) {
	files := testbroker.MakeTLS(t)
	server := testserver.Start(t, testserver.Etcd, testserver.Options{TLS: files})
	config := etcd.Config{Endpoints: []string{server.Address()}, TLS: files.ClientConfig(t), Timeout: 2 * time.Second}
	save(t, open(t, config), registrytest.API(key, 1, 1))

	without := config
	without.TLS = files.ConfigWithoutCertificate(t)
	if _, err := open(t, without).Load(t.Context(), key); err == nil {
		t.Error("etcd answered a client without a certificate")
	}
	demandPassword(t, config)
	for password, ok := range map[string]bool{"right": true, "wrong": false} {
		user := config
		user.Username, user.Password = "root", password
		if _, err := open(t, user).Load(t.Context(), key); (err == nil) != ok {
			t.Errorf("with the %s password: %v", password, err)
		}
	}
}

func demandPassword(t *testing.T, config etcd.Config) {
	t.Helper()
	client, err := clientv3.New(clientv3.Config{Endpoints: config.Endpoints, TLS: config.TLS, Logger: zap.NewNop()})
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	if _, err := client.UserAdd(t.Context(), "root", "right"); err != nil {
		t.Fatal(err)
	}
	if _, err := client.UserGrantRole(t.Context(), "root", "root"); err != nil {
		t.Fatal(err)
	}
	if _, err := client.AuthEnable(t.Context()); err != nil {
		t.Fatal(err)
	}
}

func BenchmarkChange(b *testing.B) {
	config := etcd.Config{Endpoints: []string{testserver.Shared(b, testserver.Etcd)}, Prefix: "/test/" + rand.Text()}
	writer, reader := open(b, config), open(b, config)
	registrytest.BenchmarkChange(b, writer, writer, reader, reader)
}

func open(t testing.TB, config etcd.Config) *etcd.Registry {
	t.Helper()
	r, err := etcd.Open(config)
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

func save(t *testing.T, store registry.Store, api *mqrpcv1.Api) {
	t.Helper()
	if err := store.Save(t.Context(), api); err != nil {
		t.Fatal(err)
	}
}

// waitFor waits until a change has come into effect.
func waitFor(t *testing.T, applied <-chan int64, sequence int64) {
	t.Helper()
	timeout := time.After(20 * time.Second)
	for {
		select {
		case got := <-applied:
			if got == sequence {
				return
			}
		case <-timeout:
			t.Fatalf("change %d has not come into effect", sequence)
		}
	}
}

// TestDamagedHead: an API whose head cannot be read holds no other up.
func TestDamagedHead(t *testing.T) {
	config := etcd.Config{
		Endpoints: []string{testserver.Shared(t, testserver.Etcd)}, Prefix: "/test/" + rand.Text(),
		Logger: slog.New(slog.DiscardHandler),
	}
	store := open(t, config)
	other := contract.Key{Module: "other", Version: "1"}
	save(t, store, registrytest.API(key, 1, 1))
	save(t, store, registrytest.API(other, 1, 1))
	client, err := clientv3.New(clientv3.Config{Endpoints: config.Endpoints, Logger: zap.NewNop()})
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	if _, err := client.Put(t.Context(), config.Prefix+"/heads/other,1", "{damaged"); err != nil {
		t.Fatal(err)
	}
	registrytest.CheckDamagedHead(t, store, key, other)
}
