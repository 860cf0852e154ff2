package memory_test

import (
	"fmt"
	"sync"
	"testing"

	"github.com/mqrpc/mqrpc/runtime"
	"github.com/mqrpc/mqrpc/runtime/memory"
	"github.com/mqrpc/mqrpc/wire"
)

// BenchmarkPublishDeliver is a message's way from Publish to Ack, pipelined.
func BenchmarkPublishDeliver(b *testing.B) {
	for _, size := range []int{64, 1 << 10, 64 << 10} {
		b.Run(fmt.Sprintf("%dB", size), func(b *testing.B) {
			transport := memory.New()
			defer func() { _ = transport.Close(b.Context()) }()
			const window = 256
			free := make(chan struct{}, window)
			var all sync.WaitGroup
			consume(b, transport, func(d *runtime.Delivery) {
				d.Settle.Ack()
				<-free
				all.Done()
			})
			body := make([]byte, size)
			b.SetBytes(int64(size))
			b.ReportAllocs()
			defer all.Wait()
			for b.Loop() {
				all.Add(1)
				free <- struct{}{}
				transport.Publish(message(body), func(err error) { must(b, err) })
			}
		})
	}
}

// BenchmarkRoundTrip publishes the next message when the last was delivered.
func BenchmarkRoundTrip(b *testing.B) {
	transport := memory.New()
	defer func() { _ = transport.Close(b.Context()) }()
	arrived := make(chan struct{}, 1)
	consume(b, transport, func(d *runtime.Delivery) {
		d.Settle.Ack()
		arrived <- struct{}{}
	})
	body := make([]byte, 64)
	b.ReportAllocs()
	for b.Loop() {
		transport.Publish(message(body), func(err error) { must(b, err) })
		<-arrived
	}
}

func message(body []byte) runtime.Publishing {
	return runtime.Publishing{Exchange: wire.CallsExchange, RoutingKey: "queue", Type: wire.TypeCall, Body: body}
}

func consume(tb testing.TB, transport runtime.Transport, deliver func(*runtime.Delivery)) runtime.Consumer {
	tb.Helper()
	queue := runtime.Queue{Name: "queue", Bindings: []runtime.Binding{{Exchange: wire.CallsExchange, Key: "queue"}}}
	consumer, err := transport.Consume(tb.Context(), queue, deliver)
	must(tb, err)
	return consumer
}

func must(tb testing.TB, err error) {
	if err != nil {
		tb.Helper()
		tb.Error(err)
	}
}
