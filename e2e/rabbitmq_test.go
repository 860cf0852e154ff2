//go:build services

package e2e_test

import (
	"testing"

	"github.com/mqrpc/mqrpc/internal/testbroker"
	"github.com/mqrpc/mqrpc/runtime/rabbitmq"
	"github.com/mqrpc/mqrpc/runtime/transport"
)

func init() {
	stacks = append(stacks, stack{
		name: "rabbitmq",
		start: func(t *testing.T) func() transport.Transport {
			url := testbroker.Shared(t)
			return func() transport.Transport { return connectTo(t, rabbitmq.Config{URLs: []string{url}}) }
		},
	})
}

// connectTo returns a connection that is closed with the test.
func connectTo(t *testing.T, config rabbitmq.Config) *rabbitmq.Transport {
	t.Helper()
	if config.Logger == nil {
		config.Logger = quiet()
	}
	conn, err := rabbitmq.Connect(config)
	if err != nil {
		t.Fatal(err)
	}
	closeAfter(t, conn)
	return conn
}
