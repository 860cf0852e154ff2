//go:build services

package e2e_test

import (
	"testing"

	"github.com/mqrpc/mqrpc/runtime"
	"github.com/mqrpc/mqrpc/runtime/rabbitmq"
)

func TestWorkerThatBreaksTheContractIsRefusedOnRabbitMQ(t *testing.T) {
	url := private.Get(t).URL()
	refuseWorker(t, func() runtime.Transport { return connectTo(t, rabbitmq.Config{URLs: []string{url}}) })
}
