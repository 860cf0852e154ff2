package memory_test

import (
	"testing"

	"github.com/mqrpc/mqrpc/runtime/memory"
	"github.com/mqrpc/mqrpc/runtime/transport"
)

func TestNewStandsAlone(t *testing.T) {
	conn := memory.New()
	defer func() { must(t, conn.Close(t.Context())) }()
	got := make(chan string, 1)
	consume(t, conn, func(d *transport.Delivery) {
		got <- string(d.Body)
		d.Settle.Ack()
	})
	conn.Publish(message([]byte("hello")), func(err error) { must(t, err) })
	if body := <-got; body != "hello" {
		t.Errorf("got %q", body)
	}
}
