//go:build services

package testserver_test

import (
	"net"
	"net/url"
	"testing"

	"github.com/mqrpc/mqrpc/internal/testserver"
)

// TestServer has each service stopped, killed and started again.
func TestServer(t *testing.T) {
	for _, service := range []testserver.Service{testserver.PostgreSQL, testserver.ZooKeeper, testserver.Etcd} {
		t.Run(string(service), func(t *testing.T) {
			testserver.Shared(t, service)
			server := testserver.Start(t, service, testserver.Options{})
			address := server.Address()
			expect := func(what string, listens bool) {
				t.Helper()
				if server.Address() != address {
					t.Fatalf("%s: the address is %s, was %s", what, server.Address(), address)
				}
				conn, err := net.Dial("tcp", hostPort(t, address))
				if err == nil {
					conn.Close()
				}
				if (err == nil) != listens {
					t.Fatalf("%s: dialling says %v, want a server: %v", what, err, listens)
				}
			}
			expect("started", true)
			for what, end := range map[string]func(){"stopped": server.Stop, "killed": server.Kill} {
				end()
				expect(what, false)
				server.Start()
				expect(what+" and started", true)
			}
			if server.Logs() == "" {
				t.Error("the log is empty")
			}
		})
	}
}

func hostPort(t *testing.T, address string) string {
	t.Helper()
	parsed, err := url.Parse(address)
	if err != nil || parsed.Host == "" {
		return address
	}
	return parsed.Host
}
