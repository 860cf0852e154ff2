//go:build services

package rabbitmq

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/mqrpc/mqrpc/internal/testbroker"
	"github.com/mqrpc/mqrpc/runtime"
	"github.com/mqrpc/mqrpc/wire"
)

// TestPublishersWaitForNobodyWhoWrites has the ways to the network taken. Lone
// messages are then the writer's, and arrive when they are free again.
func TestPublishersWaitForNobodyWhoWrites(t *testing.T) {
	const patience = 15 * time.Second
	transport, err := Connect(Config{URLs: []string{testbroker.Shared(t)}})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	t.Cleanup(func() {
		if err := transport.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	queue := runtime.Queue{Name: "server_writing_1.0", Exchange: wire.CallExchange, Expires: time.Minute}
	arrived := make(chan string, 10)
	if _, err := transport.Consume(ctx, queue, func(d *runtime.Delivery) {
		d.Settle.Ack()
		arrived <- string(d.Body)
	}); err != nil {
		t.Fatal(err)
	}
	link := transport.currentLink()
	for name, way := range map[string]sync.Locker{"the link": &link.writing, "the socket": &link.socket.mu} {
		published, settled := make(chan struct{}), make(chan error, 1)
		way.Lock()
		go func() {
			defer close(published)
			transport.Publish(runtime.Publishing{
				Exchange: queue.Exchange, RoutingKey: queue.Name, Type: wire.TypeCall, Body: []byte(name), Lone: true,
			}, func(err error) { settled <- err })
		}()
		select {
		case <-published:
		case <-ctx.Done():
			t.Errorf("a publisher waits for %s", name)
		}
		if len(arrived) > 0 {
			t.Errorf("a message was written although somebody else writes to %s", name)
		}
		way.Unlock()
		select {
		case body := <-arrived:
			if body != name {
				t.Errorf("the message %q has arrived, want %q", body, name)
			}
		case <-ctx.Done():
			t.Fatalf("the message has not arrived after %s was free", name)
		}
		if err := <-settled; err != nil {
			t.Error(err)
		}
	}
}
