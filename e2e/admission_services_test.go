//go:build services

package e2e_test

import (
	"testing"

	"github.com/mqrpc/mqrpc/runtime/rabbitmq"
	"github.com/mqrpc/mqrpc/runtime/transport"
)

func TestWorkerThatBreaksTheContractIsRefusedOnRabbitMQ(t *testing.T) {
	url := private.Get(t).URL()
	refuseWorker(t, func() transport.Transport { return connectTo(t, rabbitmq.Config{URLs: []string{url}}) })
}
