package memory_test

import (
	"context"
	"errors"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"github.com/mqrpc/mqrpc/runtime"
	"github.com/mqrpc/mqrpc/runtime/memory"
	"github.com/mqrpc/mqrpc/wire"
)

// publish publishes and returns the outcome, which comes at once.
func publish(t *testing.T, transport runtime.Transport, m runtime.Publishing) error {
	t.Helper()
	outcome := errors.New("done was not called")
	transport.Publish(m, func(err error) { outcome = err })
	return outcome
}

func connect(t *testing.T, config memory.Config) *memory.Transport {
	t.Helper()
	transport := memory.NewBroker(config).Connect()
	t.Cleanup(func() { must(t, transport.Close(context.Background())) })
	return transport
}

// declare makes the queue "queue" without a consumer.
func declare(t *testing.T, transport runtime.Transport) {
	t.Helper()
	must(t, consume(t, transport, nil).Stop(t.Context()))
}

// pass lets time pass in a synctest bubble, and everything happen that is due.
func pass(d time.Duration) {
	time.Sleep(d) //nolint:forbidigo // the bubble's clock, not the real one
	synctest.Wait()
}

func TestFullQueueRefuses(t *testing.T) {
	cases := map[string]memory.Config{
		"messages": {MaxMessages: 3},
		"bytes":    {MaxBytes: 30},
	}
	for name, config := range cases {
		t.Run(name, func(t *testing.T) {
			transport := connect(t, config)
			declare(t, transport)
			m := message(make([]byte, 10))
			for range 3 {
				must(t, publish(t, transport, m))
			}
			if err := publish(t, transport, m); !errors.Is(err, runtime.ErrRefused) {
				t.Errorf("full queue: %v, want %v", err, runtime.ErrRefused)
			}
			m.RoutingKey = "no such queue"
			if err := publish(t, transport, m); !errors.Is(err, runtime.ErrNoQueue) {
				t.Errorf("no queue: %v, want %v", err, runtime.ErrNoQueue)
			}
		})
	}
}

// TestUnsettledMessagesDoNotFillQueue: as in RabbitMQ only what waits counts.
func TestUnsettledMessagesDoNotFillQueue(t *testing.T) {
	transport := connect(t, memory.Config{MaxMessages: 1})
	delivered := make(chan *runtime.Delivery, 10)
	consume(t, transport, func(d *runtime.Delivery) { delivered <- d })
	for range 10 {
		must(t, publish(t, transport, message(nil)))
		<-delivered
	}
}

// TestFullQueueAmongSeveral: a message goes into all of its queues or none.
func TestFullQueueAmongSeveral(t *testing.T) {
	transport := connect(t, memory.Config{MaxMessages: 1})
	declare(t, transport)
	tapped := make(chan string, 10)
	tap := runtime.Queue{Name: "tap", Bindings: []runtime.Binding{{Exchange: wire.CallsExchange, Key: "#"}}}
	_, err := transport.Consume(t.Context(), tap, func(d *runtime.Delivery) {
		tapped <- string(d.Body)
		d.Settle.Ack()
	})
	must(t, err)
	must(t, publish(t, transport, message([]byte("first"))))
	if err := publish(t, transport, message([]byte("refused"))); !errors.Is(err, runtime.ErrRefused) {
		t.Errorf("got %v, want %v", err, runtime.ErrRefused)
	}
	other := message([]byte("other"))
	other.RoutingKey = "elsewhere"
	must(t, publish(t, transport, other))
	if first, second := <-tapped, <-tapped; first != "first" || second != "other" {
		t.Errorf("the tap got %q and %q, want first and other", first, second)
	}
}

func TestExpiredMessagesMakeRoom(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		transport := connect(t, memory.Config{MaxMessages: 2})
		declare(t, transport)
		m := message(nil)
		m.Expiration = time.Second
		must(t, publish(t, transport, m))
		must(t, publish(t, transport, m))
		if err := publish(t, transport, m); !errors.Is(err, runtime.ErrRefused) {
			t.Errorf("before the expiry: %v, want %v", err, runtime.ErrRefused)
		}
		pass(time.Second)
		must(t, publish(t, transport, m))
	})
}

// TestExpiryAtHeadOnly: an expired message behind one that has not expired
// still takes its room, as in RabbitMQ.
func TestExpiryAtHeadOnly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		transport := connect(t, memory.Config{MaxMessages: 2})
		declare(t, transport)
		must(t, publish(t, transport, message([]byte("lasting"))))
		m := message([]byte("short"))
		m.Expiration = time.Second
		must(t, publish(t, transport, m))
		pass(time.Minute)
		if err := publish(t, transport, m); !errors.Is(err, runtime.ErrRefused) {
			t.Errorf("got %v, want %v", err, runtime.ErrRefused)
		}
		got := make(chan string, 10)
		consume(t, transport, func(d *runtime.Delivery) {
			got <- string(d.Body)
			d.Settle.Ack()
		})
		must(t, publish(t, transport, message([]byte("last"))))
		if first, second := <-got, <-got; first != "lasting" || second != "last" {
			t.Errorf("got %q and %q, want lasting and last", first, second)
		}
	})
}

func TestQueueExpiresToTheMoment(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		broker := memory.NewBroker(memory.Config{})
		transport := broker.Connect()
		defer func() { must(t, transport.Close(t.Context())) }()
		queue := runtime.Queue{Name: "queue", Bindings: []runtime.Binding{{Exchange: wire.CallsExchange, Key: "queue"}}, Expires: time.Minute}
		consumer, err := transport.Consume(t.Context(), queue, nil)
		must(t, err)
		pass(time.Hour)
		must(t, consumer.Stop(t.Context()))
		pass(time.Minute - 1)
		must(t, publish(t, transport, message(nil)))

		broker.Stop() // a restart renews the lease
		pass(time.Hour)
		broker.Start()
		pass(time.Minute - 1)
		must(t, publish(t, transport, message(nil)))
		pass(1)
		if err := publish(t, transport, message(nil)); !errors.Is(err, runtime.ErrNoQueue) {
			t.Errorf("got %v, want %v", err, runtime.ErrNoQueue)
		}
	})
}

// TestHeldMessagesAreBounded: during an outage the limits of a queue hold for
// the connection.
func TestHeldMessagesAreBounded(t *testing.T) {
	transport := connect(t, memory.Config{MaxMessages: 2})
	declare(t, transport)
	restore := transport.Sever()
	outcomes := make(chan error, 3)
	for i := range 3 {
		m := message([]byte(strconv.Itoa(i)))
		m.Hold = true
		transport.Publish(m, func(err error) { outcomes <- err })
	}
	if err := <-outcomes; !errors.Is(err, runtime.ErrDisconnected) {
		t.Errorf("got %v, want %v", err, runtime.ErrDisconnected)
	}
	restore()
	must(t, <-outcomes)
	must(t, <-outcomes)
}
