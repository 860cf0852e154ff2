//go:build services

package e2e_test

import (
	"testing"

	amqp "github.com/rabbitmq/amqp091-go"
	"google.golang.org/grpc/codes"

	"github.com/mqrpc/mqrpc/internal/testbroker"
	"github.com/mqrpc/mqrpc/runtime"
	"github.com/mqrpc/mqrpc/runtime/rabbitmq"
	"github.com/mqrpc/mqrpc/runtime/transport"
	"github.com/mqrpc/mqrpc/wire"
)

// TestFullTapRunsNoCallTwice: RabbitMQ refuses a call for the tap's sake that it has
// given to a worker. Who may repeat the call gets its reply, who may not learns that
// it may have run.
func TestFullTapRunsNoCallTwice(t *testing.T) {
	t.Parallel()
	url := testbroker.Shared(t)
	r := newRig(t, func() transport.Transport { return connectTo(t, rabbitmq.Config{URLs: []string{url}}) })
	w := r.worker("w", runtime.WorkerConfig{})
	client := r.client(runtime.ClientConfig{})
	bindFullTap(t, url, r.echo.service.Module)
	for range 20 {
		if out, err := invoke(t.Context(), client, r.echo.echo, "x"); out != "x" {
			t.Errorf("a call that may be repeated: %q, %v", out, err)
		}
		if _, err := invoke(t.Context(), client, r.echo.once, "y"); err != nil && runtime.CodeOf(err) != codes.Aborted {
			t.Errorf("a call that may not be repeated: %v", err)
		}
	}
	if n := w.server.runsOf("y"); n > 20 {
		t.Errorf("20 calls ran %d times", n)
	}
}

// bindFullTap binds a queue to the calls of a module that refuses every message.
func bindFullTap(t *testing.T, url, module string) {
	t.Helper()
	conn, err := amqp.Dial(url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	channel, err := conn.Channel()
	if err != nil {
		t.Fatal(err)
	}
	queue, err := channel.QueueDeclare("", false, false, true, false, amqp.Table{"x-max-length": 0, "x-overflow": "reject-publish"})
	if err != nil {
		t.Fatal(err)
	}
	if err := channel.QueueBind(queue.Name, module+".*", wire.CallsExchange, false, nil); err != nil {
		t.Fatal(err)
	}
}
