package memory_test

import (
	"testing"

	"github.com/mqrpc/mqrpc/runtime"
	"github.com/mqrpc/mqrpc/runtime/memory"
)

func TestNewStandsAlone(t *testing.T) {
	transport := memory.New()
	defer func() { must(t, transport.Close(t.Context())) }()
	got := make(chan string, 1)
	consume(t, transport, func(d *runtime.Delivery) {
		got <- string(d.Body)
		d.Settle.Ack()
	})
	transport.Publish(message([]byte("hello")), func(err error) { must(t, err) })
	if body := <-got; body != "hello" {
		t.Errorf("got %q", body)
	}
}
