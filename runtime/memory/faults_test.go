package memory_test

import (
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/mqrpc/mqrpc/runtime/memory"
	"github.com/mqrpc/mqrpc/runtime/transport"
	"github.com/mqrpc/mqrpc/wire"
)

func TestRestartLosesMessagesOfClassicQueues(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		broker := memory.NewBroker(memory.Config{})
		conn := broker.Connect()
		defer func() { must(t, conn.Close(t.Context())) }()
		quorum := transport.Queue{Name: "quorum", Bindings: []transport.Binding{{Exchange: wire.CallsExchange, Key: "quorum"}}, Quorum: true}
		consumer, err := conn.Consume(t.Context(), quorum, nil)
		must(t, err)
		must(t, consumer.Stop(t.Context()))
		declare(t, conn)
		m := message([]byte("transient"))
		must(t, publish(t, conn, m))
		m.RoutingKey = quorum.Name
		must(t, publish(t, conn, m))

		broker.Stop()
		broker.Start()
		pass(time.Second)

		var got []string
		deliver := func(d *transport.Delivery) {
			got = append(got, d.RoutingKey)
			d.Settle.Ack()
		}
		consume(t, conn, deliver)
		synctest.Wait()
		_, err = conn.Consume(t.Context(), quorum, deliver)
		must(t, err)
		synctest.Wait()
		if strings.Join(got, " ") != "quorum" {
			t.Errorf("messages survived in %v, want in quorum", got)
		}
	})
}

// TestGraceToTheMoment: a message without Retry fails when the outage, not the
// message, is as old as the grace.
func TestGraceToTheMoment(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		conn := connect(t, memory.Config{Grace: 10 * time.Second})
		declare(t, conn)
		restore := conn.Sever()
		defer restore()
		pass(4 * time.Second)
		began := time.Now()
		failed := make(chan error, 1)
		conn.Publish(message(nil), func(err error) { failed <- err })
		if err := <-failed; !errors.Is(err, transport.ErrDisconnected) {
			t.Errorf("got %v, want %v", err, transport.ErrDisconnected)
		}
		if took := time.Since(began); took != 6*time.Second {
			t.Errorf("the message failed after %v, want 6s", took)
		}
		if err := publish(t, conn, message(nil)); !errors.Is(err, transport.ErrDisconnected) {
			t.Errorf("after the grace: %v, want %v at once", err, transport.ErrDisconnected)
		}
	})
}

// TestOutageEndsInBlock: what waited for the connection meets a broker that
// takes no messages.
func TestOutageEndsInBlock(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		conn := connect(t, memory.Config{})
		declare(t, conn)
		restore := conn.Sever()
		plain, held := make(chan error, 1), make(chan error, 1)
		conn.Publish(message(nil), func(err error) { plain <- err })
		patient := message(nil)
		patient.Retry = true
		conn.Publish(patient, func(err error) { held <- err })
		conn.Broker().Block(true)
		restore()
		if err := <-plain; !errors.Is(err, transport.ErrBlocked) {
			t.Errorf("without Retry: %v, want %v", err, transport.ErrBlocked)
		}
		pass(time.Hour)
		conn.Broker().Block(false)
		must(t, <-held)
	})
}

// TestNewestOwner: of several consumers of an Owned queue the newest gets all it
// can hold.
func TestNewestOwner(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		conn := connect(t, memory.Config{})
		queue := transport.Queue{Name: "queue", Bindings: []transport.Binding{{Exchange: wire.CallsExchange, Key: "queue"}}, Owned: true, Prefetch: 5}
		var counts [3]int
		for i := range counts {
			_, err := conn.Consume(t.Context(), queue, func(*transport.Delivery) { counts[i]++ })
			must(t, err)
		}
		for range 7 {
			must(t, publish(t, conn, message(nil)))
		}
		synctest.Wait()
		if want := [3]int{0, 2, 5}; counts != want {
			t.Errorf("the consumers, oldest first, got %v messages, want %v", counts, want)
		}
	})
}

// TestWatcherMayUseTransport: a watcher is called without locks.
func TestWatcherMayUseTransport(t *testing.T) {
	conn := connect(t, memory.Config{})
	declare(t, conn)
	var states []bool
	stop := conn.Watch(func(state transport.State) {
		states = append(states, state.Connected)
		if state.Connected != conn.State().Connected {
			t.Error("State disagrees with Watch")
		}
		if state.Connected {
			must(t, publish(t, conn, message(nil)))
		}
	})
	restore := conn.Sever()
	defer restore()
	stop()
	if len(states) != 2 || !states[0] || states[1] {
		t.Errorf("the watcher was told %v, want true, false", states)
	}
}

// TestStopReturnsUndelivered: what Stop finds not yet delivered returns to the
// queue without a mark, since nobody has seen it.
func TestStopReturnsUndelivered(t *testing.T) {
	conn := connect(t, memory.Config{})
	running, release := make(chan struct{}), make(chan struct{})
	consumer := consume(t, conn, func(d *transport.Delivery) {
		running <- struct{}{}
		<-release
		d.Settle.Requeue()
	})
	for _, body := range []string{"a", "b", "c"} {
		must(t, publish(t, conn, message([]byte(body))))
	}
	<-running
	stopped := make(chan error, 1)
	go func() { stopped <- consumer.Stop(t.Context()) }()
	// The second consumer gets "b" and "c" from Stop, and "a" from Requeue.
	got := make(chan *transport.Delivery, 3)
	consume(t, conn, func(d *transport.Delivery) {
		got <- d
		d.Settle.Ack()
	})
	for _, body := range []string{"b", "c"} {
		if d := <-got; string(d.Body) != body || d.Redelivered {
			t.Errorf("got %q (redelivered: %v), want %q (false)", d.Body, d.Redelivered, body)
		}
	}
	close(release)
	if d := <-got; string(d.Body) != "a" || !d.Redelivered {
		t.Errorf("got %q (redelivered: %v), want a (true)", d.Body, d.Redelivered)
	}
	must(t, <-stopped)
}
