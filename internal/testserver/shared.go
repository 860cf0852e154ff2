package testserver

import (
	"os"
	"testing"
)

// Service is a kind of server, by its name in scripts/services.
type Service string

// The services. Addresses are as their clients take them: a URL
// (postgres://user:password@host:port/database), host:port, and a URL
// (http://host:port, with TLS https://).
const (
	PostgreSQL Service = "postgres"
	ZooKeeper  Service = "zookeeper"
	Etcd       Service = "etcd"
)

// variables name the shared servers; scripts/services sets them.
var variables = map[Service]string{
	PostgreSQL: "MQRPC_TEST_POSTGRES_URL",
	ZooKeeper:  "MQRPC_TEST_ZOOKEEPER",
	Etcd:       "MQRPC_TEST_ETCD",
}

// Shared returns the address of the server that all tests of a run share. It
// fails the test when there is none. Tests must not disturb that server, and
// use names that no other test uses.
func Shared(t testing.TB, service Service) string {
	t.Helper()
	address := os.Getenv(variables[service])
	if address == "" {
		t.Fatalf("%s is not set, so there is no %s to test with: "+
			"run make test, or scripts/services run -- go test -tags services ./...", variables[service], service)
	}
	return address
}
