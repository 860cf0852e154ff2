package memory_test

import (
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/mqrpc/mqrpc/runtime"
	"github.com/mqrpc/mqrpc/runtime/memory"
	"github.com/mqrpc/mqrpc/wire"
)

func TestRestartLosesMessagesOfClassicQueues(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		broker := memory.NewBroker(memory.Config{})
		transport := broker.Connect()
		defer func() { must(t, transport.Close(t.Context())) }()
		quorum := runtime.Queue{Name: "quorum", Bindings: []runtime.Binding{{Exchange: wire.CallsExchange, Key: "quorum"}}, Quorum: true}
		consumer, err := transport.Consume(t.Context(), quorum, nil)
		must(t, err)
		must(t, consumer.Stop(t.Context()))
		declare(t, transport)
		m := message([]byte("transient"))
		must(t, publish(t, transport, m))
		m.RoutingKey = quorum.Name
		must(t, publish(t, transport, m))

		broker.Stop()
		broker.Start()
		pass(time.Second)

		var got []string
		deliver := func(d *runtime.Delivery) {
			got = append(got, d.RoutingKey)
			d.Settle.Ack()
		}
		consume(t, transport, deliver)
		synctest.Wait()
		_, err = transport.Consume(t.Context(), quorum, deliver)
		must(t, err)
		synctest.Wait()
		if strings.Join(got, " ") != "quorum" {
			t.Errorf("messages survived in %v, want in quorum", got)
		}
	})
}

// TestGraceToTheMoment: a message without Hold fails when the outage, not the
// message, is as old as the grace.
func TestGraceToTheMoment(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		transport := connect(t, memory.Config{Grace: 10 * time.Second})
		declare(t, transport)
		restore := transport.Sever()
		defer restore()
		pass(4 * time.Second)
		began := time.Now()
		failed := make(chan error, 1)
		transport.Publish(message(nil), func(err error) { failed <- err })
		if err := <-failed; !errors.Is(err, runtime.ErrDisconnected) {
			t.Errorf("got %v, want %v", err, runtime.ErrDisconnected)
		}
		if took := time.Since(began); took != 6*time.Second {
			t.Errorf("the message failed after %v, want 6s", took)
		}
		if err := publish(t, transport, message(nil)); !errors.Is(err, runtime.ErrDisconnected) {
			t.Errorf("after the grace: %v, want %v at once", err, runtime.ErrDisconnected)
		}
	})
}

// TestOutageEndsInBlock: what waited for the connection meets a broker that
// takes no messages.
func TestOutageEndsInBlock(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		transport := connect(t, memory.Config{})
		declare(t, transport)
		restore := transport.Sever()
		plain, held := make(chan error, 1), make(chan error, 1)
		transport.Publish(message(nil), func(err error) { plain <- err })
		patient := message(nil)
		patient.Hold = true
		transport.Publish(patient, func(err error) { held <- err })
		transport.Broker().Block(true)
		restore()
		if err := <-plain; !errors.Is(err, runtime.ErrBlocked) {
			t.Errorf("without Hold: %v, want %v", err, runtime.ErrBlocked)
		}
		pass(time.Hour)
		transport.Broker().Block(false)
		must(t, <-held)
	})
}

// TestLatest: of several Latest consumers the newest gets all it can hold.
func TestLatest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		transport := connect(t, memory.Config{})
		queue := runtime.Queue{Name: "queue", Bindings: []runtime.Binding{{Exchange: wire.CallsExchange, Key: "queue"}}, Latest: true, Prefetch: 5}
		var counts [3]int
		for i := range counts {
			_, err := transport.Consume(t.Context(), queue, func(*runtime.Delivery) { counts[i]++ })
			must(t, err)
		}
		for range 7 {
			must(t, publish(t, transport, message(nil)))
		}
		synctest.Wait()
		if want := [3]int{0, 2, 5}; counts != want {
			t.Errorf("the consumers, oldest first, got %v messages, want %v", counts, want)
		}
	})
}

// TestWatcherMayUseTransport: a watcher is called without locks.
func TestWatcherMayUseTransport(t *testing.T) {
	transport := connect(t, memory.Config{})
	declare(t, transport)
	var states []bool
	stop := transport.Watch(func(state runtime.State) {
		states = append(states, state.Connected)
		if state.Connected != transport.State().Connected {
			t.Error("State disagrees with Watch")
		}
		if state.Connected {
			must(t, publish(t, transport, message(nil)))
		}
	})
	restore := transport.Sever()
	defer restore()
	stop()
	if len(states) != 2 || !states[0] || states[1] {
		t.Errorf("the watcher was told %v, want true, false", states)
	}
}

// TestStopReturnsUndelivered: what Stop finds not yet delivered returns to the
// queue without a mark, since nobody has seen it.
func TestStopReturnsUndelivered(t *testing.T) {
	transport := connect(t, memory.Config{})
	running, release := make(chan struct{}), make(chan struct{})
	consumer := consume(t, transport, func(d *runtime.Delivery) {
		running <- struct{}{}
		<-release
		d.Settle.Requeue()
	})
	for _, body := range []string{"a", "b", "c"} {
		must(t, publish(t, transport, message([]byte(body))))
	}
	<-running
	stopped := make(chan error, 1)
	go func() { stopped <- consumer.Stop(t.Context()) }()
	// The second consumer gets "b" and "c" from Stop, and "a" from Requeue.
	got := make(chan *runtime.Delivery, 3)
	consume(t, transport, func(d *runtime.Delivery) {
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
