package memory_test

import (
	"context"
	"errors"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"github.com/mqrpc/mqrpc/runtime/memory"
	"github.com/mqrpc/mqrpc/runtime/transport"
	"github.com/mqrpc/mqrpc/wire"
)

// publish publishes and returns the outcome, which comes at once.
func publish(t *testing.T, conn transport.Transport, m transport.Publishing) error {
	t.Helper()
	outcome := errors.New("done was not called")
	conn.Publish(m, func(err error) { outcome = err })
	return outcome
}

func connect(t *testing.T, config memory.Config) *memory.Transport {
	t.Helper()
	conn := memory.NewBroker(config).Connect()
	t.Cleanup(func() { must(t, conn.Close(context.Background())) })
	return conn
}

// declare makes the queue "queue" without a consumer.
func declare(t *testing.T, conn transport.Transport) {
	t.Helper()
	must(t, consume(t, conn, nil).Stop(t.Context()))
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
			conn := connect(t, config)
			declare(t, conn)
			m := message(make([]byte, 10))
			for range 3 {
				must(t, publish(t, conn, m))
			}
			if err := publish(t, conn, m); !errors.Is(err, transport.ErrRefused) {
				t.Errorf("full queue: %v, want %v", err, transport.ErrRefused)
			}
			m.RoutingKey = "no such queue"
			if err := publish(t, conn, m); !errors.Is(err, transport.ErrNoQueue) {
				t.Errorf("no queue: %v, want %v", err, transport.ErrNoQueue)
			}
		})
	}
}

// TestUnsettledMessagesDoNotFillQueue: as in RabbitMQ only what waits counts.
func TestUnsettledMessagesDoNotFillQueue(t *testing.T) {
	conn := connect(t, memory.Config{MaxMessages: 1})
	delivered := make(chan *transport.Delivery, 10)
	consume(t, conn, func(d *transport.Delivery) { delivered <- d })
	for range 10 {
		must(t, publish(t, conn, message(nil)))
		<-delivered
	}
}

// TestFullQueueAmongSeveral: a message goes into all of its queues or none.
func TestFullQueueAmongSeveral(t *testing.T) {
	conn := connect(t, memory.Config{MaxMessages: 1})
	declare(t, conn)
	tapped := make(chan string, 10)
	tap := transport.Queue{Name: "tap", Bindings: []transport.Binding{{Exchange: wire.CallsExchange, Key: "#"}}}
	_, err := conn.Consume(t.Context(), tap, func(d *transport.Delivery) {
		tapped <- string(d.Body)
		d.Settle.Ack()
	})
	must(t, err)
	must(t, publish(t, conn, message([]byte("first"))))
	if err := publish(t, conn, message([]byte("refused"))); !errors.Is(err, transport.ErrRefused) {
		t.Errorf("got %v, want %v", err, transport.ErrRefused)
	}
	other := message([]byte("other"))
	other.RoutingKey = "elsewhere"
	must(t, publish(t, conn, other))
	if first, second := <-tapped, <-tapped; first != "first" || second != "other" {
		t.Errorf("the tap got %q and %q, want first and other", first, second)
	}
}

func TestExpiredMessagesMakeRoom(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		conn := connect(t, memory.Config{MaxMessages: 2})
		declare(t, conn)
		m := message(nil)
		m.Expiration = time.Second
		must(t, publish(t, conn, m))
		must(t, publish(t, conn, m))
		if err := publish(t, conn, m); !errors.Is(err, transport.ErrRefused) {
			t.Errorf("before the expiry: %v, want %v", err, transport.ErrRefused)
		}
		pass(time.Second)
		must(t, publish(t, conn, m))
	})
}

// TestExpiryAtHeadOnly: an expired message behind one that has not expired
// still takes its room, as in RabbitMQ.
func TestExpiryAtHeadOnly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		conn := connect(t, memory.Config{MaxMessages: 2})
		declare(t, conn)
		must(t, publish(t, conn, message([]byte("lasting"))))
		m := message([]byte("short"))
		m.Expiration = time.Second
		must(t, publish(t, conn, m))
		pass(time.Minute)
		if err := publish(t, conn, m); !errors.Is(err, transport.ErrRefused) {
			t.Errorf("got %v, want %v", err, transport.ErrRefused)
		}
		got := make(chan string, 10)
		consume(t, conn, func(d *transport.Delivery) {
			got <- string(d.Body)
			d.Settle.Ack()
		})
		must(t, publish(t, conn, message([]byte("last"))))
		if first, second := <-got, <-got; first != "lasting" || second != "last" {
			t.Errorf("got %q and %q, want lasting and last", first, second)
		}
	})
}

func TestQueueExpiresToTheMoment(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		broker := memory.NewBroker(memory.Config{})
		conn := broker.Connect()
		defer func() { must(t, conn.Close(t.Context())) }()
		queue := transport.Queue{Name: "queue", Bindings: []transport.Binding{{Exchange: wire.CallsExchange, Key: "queue"}}, Expires: time.Minute}
		consumer, err := conn.Consume(t.Context(), queue, nil)
		must(t, err)
		pass(time.Hour)
		must(t, consumer.Stop(t.Context()))
		pass(time.Minute - 1)
		must(t, publish(t, conn, message(nil)))

		broker.Stop() // a restart renews the lease
		pass(time.Hour)
		broker.Start()
		pass(time.Minute - 1)
		must(t, publish(t, conn, message(nil)))
		pass(1)
		if err := publish(t, conn, message(nil)); !errors.Is(err, transport.ErrNoQueue) {
			t.Errorf("got %v, want %v", err, transport.ErrNoQueue)
		}
	})
}

// TestHeldMessagesAreBounded: during an outage the limits of a queue hold for
// the connection.
func TestHeldMessagesAreBounded(t *testing.T) {
	conn := connect(t, memory.Config{MaxMessages: 2})
	declare(t, conn)
	restore := conn.Sever()
	outcomes := make(chan error, 3)
	for i := range 3 {
		m := message([]byte(strconv.Itoa(i)))
		m.Retry = true
		conn.Publish(m, func(err error) { outcomes <- err })
	}
	if err := <-outcomes; !errors.Is(err, transport.ErrDisconnected) {
		t.Errorf("got %v, want %v", err, transport.ErrDisconnected)
	}
	restore()
	must(t, <-outcomes)
	must(t, <-outcomes)
}
