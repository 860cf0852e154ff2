//go:build services

package e2e_test

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	amqp "github.com/rabbitmq/amqp091-go"

	"github.com/mqrpc/mqrpc/internal/testbroker"
	"github.com/mqrpc/mqrpc/runtime"
	"github.com/mqrpc/mqrpc/runtime/memory"
	"github.com/mqrpc/mqrpc/runtime/rabbitmq"
)

// BenchmarkCalls measures calls with 64 bytes of payload to a handler that
// returns at once: mqrpc over RabbitMQ, over memory, and beside them RPC as in
// RabbitMQ's tutorial six, on amqp091-go alone. Client, worker and broker share
// the machine. Compare figures of one run only.
func BenchmarkCalls(b *testing.B) {
	payload := strings.Repeat("x", 64)
	for _, callers := range []int{1, 64, 256} {
		b.Run(fmt.Sprintf("rabbitmq/callers=%d", callers), func(b *testing.B) {
			address := testbroker.Shared(b)
			benchmarkStack(b, callers, payload, func() runtime.Transport {
				transport, err := rabbitmq.Connect(rabbitmq.Config{URLs: []string{address}, Logger: quiet()})
				if err != nil {
					b.Fatal(err)
				}
				return transport
			})
		})
		b.Run(fmt.Sprintf("plain-amqp/callers=%d", callers), func(b *testing.B) {
			plain := newPlainRPC(b, testbroker.Shared(b))
			load(b, callers, func() error { return plain.call(payload) })
		})
		b.Run(fmt.Sprintf("memory/callers=%d", callers), func(b *testing.B) {
			broker := memory.NewBroker(memory.Config{})
			benchmarkStack(b, callers, payload, func() runtime.Transport { return broker.Connect() })
		})
	}
}

// load makes b.N calls from a number of callers.
func load(b *testing.B, callers int, call func() error) {
	b.Helper()
	var left atomic.Int64
	left.Store(int64(b.N))
	var done sync.WaitGroup
	b.ResetTimer()
	for range callers {
		done.Go(func() {
			for left.Add(-1) >= 0 {
				if err := call(); err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	done.Wait()
	b.StopTimer()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "calls/s")
}

func benchmarkStack(b *testing.B, callers int, payload string, connect func() runtime.Transport) {
	b.Helper()
	echo := newEchoServiceIn("bench-" + testRun + "-" + strconv.FormatInt(modules.Add(1), 10))
	workerTransport, clientTransport := connect(), connect()
	ctx, stop := context.WithCancel(b.Context())
	worker := runtime.NewWorker(workerTransport, runtime.WorkerConfig{Logger: quiet()})
	newEchoServer("bench").register(worker, echo)
	ended := make(chan error, 1)
	go func() { ended <- worker.Run(ctx) }()
	<-worker.Ready()
	client := runtime.NewClient(clientTransport, runtime.ClientConfig{Logger: quiet()})
	if err := client.Ready(ctx); err != nil {
		b.Fatal(err)
	}
	load(b, callers, func() error {
		_, err := invoke(ctx, client, echo.echo, payload)
		return err
	})
	if err := client.Close(ctx); err != nil {
		b.Error(err)
	}
	stop()
	if err := <-ended; err != nil {
		b.Error(err)
	}
	for _, transport := range []runtime.Transport{clientTransport, workerTransport} {
		if err := transport.Close(b.Context()); err != nil {
			b.Error(err)
		}
	}
}

// plainRPC is RPC as RabbitMQ's tutorial six teaches it: one message for each
// call, an exclusive queue for replies, acknowledgements by hand.
type plainRPC struct {
	publish *amqp.Channel
	queue   string
	replyTo string

	mu      sync.Mutex
	lastID  int
	waiting map[string]chan struct{}
}

func newPlainRPC(b *testing.B, address string) *plainRPC {
	b.Helper()
	p := &plainRPC{waiting: map[string]chan struct{}{}}
	server, calls := p.consume(b, address, "")
	p.queue = calls.name
	go func() {
		for call := range calls.messages {
			_ = server.Publish("", call.ReplyTo, false, false, amqp.Publishing{CorrelationId: call.CorrelationId, Body: call.Body})
			_ = call.Ack(false)
		}
	}()
	client, replies := p.consume(b, address, "")
	p.publish, p.replyTo = client, replies.name
	go func() {
		for reply := range replies.messages {
			p.mu.Lock()
			done := p.waiting[reply.CorrelationId]
			delete(p.waiting, reply.CorrelationId)
			p.mu.Unlock()
			close(done)
			_ = reply.Ack(false)
		}
	}()
	return p
}

type plainQueue struct {
	name     string
	messages <-chan amqp.Delivery
}

func (p *plainRPC) consume(b *testing.B, address, name string) (*amqp.Channel, plainQueue) {
	b.Helper()
	connection, err := amqp.Dial(address)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = connection.Close() })
	channel, err := connection.Channel()
	if err != nil {
		b.Fatal(err)
	}
	queue, err := channel.QueueDeclare(name, false, true, true, false, nil)
	if err != nil {
		b.Fatal(err)
	}
	messages, err := channel.Consume(queue.Name, "", false, true, false, false, nil)
	if err != nil {
		b.Fatal(err)
	}
	return channel, plainQueue{queue.Name, messages}
}

func (p *plainRPC) call(payload string) error {
	done := make(chan struct{})
	p.mu.Lock()
	p.lastID++
	id := strconv.Itoa(p.lastID)
	p.waiting[id] = done
	p.mu.Unlock()
	err := p.publish.Publish("", p.queue, false, false, amqp.Publishing{CorrelationId: id, ReplyTo: p.replyTo, Body: []byte(payload)})
	if err != nil {
		return err
	}
	<-done
	return nil
}
