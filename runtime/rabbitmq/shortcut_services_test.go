//go:build services

package rabbitmq_test

import (
	"context"
	"net/url"
	"strconv"
	"testing"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"

	"github.com/mqrpc/mqrpc/internal/testbroker"
	"github.com/mqrpc/mqrpc/runtime"
	"github.com/mqrpc/mqrpc/runtime/rabbitmq"
	"github.com/mqrpc/mqrpc/wire"
)

const (
	patience = 15 * time.Second
	echoed   = "server_shortcut_1.0" // the queue
)

// ownHost returns the address of a virtual host with no other traffic, for a
// user who may write to what the pattern names.
func ownHost(t *testing.T, broker *testbroker.Broker, mayWrite string) string {
	t.Helper()
	host, password := "shortcut", "secret"
	broker.Ctl("add_vhost", host)
	broker.Ctl("add_user", host, password)
	t.Cleanup(func() {
		broker.Ctl("delete_user", host)
		broker.Ctl("delete_vhost", host)
	})
	broker.Ctl("set_permissions", "-p", host, host, ".*", mayWrite, ".*")
	address, err := url.Parse(broker.URL())
	if err != nil {
		t.Fatal(err)
	}
	address.User, address.Path = url.UserPassword(host, password), "/"+host
	return address.String()
}

// exchanger sends lone messages and receives them.
type exchanger struct {
	t         *testing.T
	transport *rabbitmq.Transport
	received  chan string
	sent      int
}

func newExchanger(t *testing.T, address string) *exchanger {
	t.Helper()
	e := &exchanger{t: t, transport: connect(t, address), received: make(chan string, 1)}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	t.Cleanup(func() {
		if err := e.transport.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	queue := runtime.Queue{Name: echoed, Exchange: wire.CallExchange, Expires: time.Minute}
	if _, err := e.transport.Consume(ctx, queue, func(d *runtime.Delivery) {
		d.Settle.Ack()
		e.received <- d.Exchange + "/" + string(d.Body)
	}); err != nil {
		t.Fatal(err)
	}
	return e
}

// exchange sends one message and waits until it has arrived.
func (e *exchanger) exchange() {
	e.t.Helper()
	e.sent++
	body := strconv.Itoa(e.sent)
	e.transport.Publish(runtime.Publishing{
		Exchange: wire.CallExchange, RoutingKey: echoed, Type: wire.TypeCall, Body: []byte(body), Lone: true,
	}, func(err error) {
		if err != nil {
			e.t.Error(err)
		}
	})
	select {
	case got := <-e.received:
		if want := wire.CallExchange + "/" + body; got != want {
			e.t.Fatalf("received %s, want %s", got, want)
		}
	case <-time.After(patience):
		e.t.Fatal("a message did not arrive")
	}
}

// until exchanges messages until a condition holds.
func (e *exchanger) until(what string, condition func() bool) {
	e.t.Helper()
	for deadline := time.Now().Add(patience); !condition(); e.exchange() {
		if time.Now().After(deadline) {
			e.t.Fatalf("not within %v: %s", patience, what)
		}
	}
}

// tap is a queue that hears what goes to the topic exchange, made by hand.
type tap struct {
	t       *testing.T
	channel *amqp.Channel
	queue   string
}

func newTap(t *testing.T, address string) *tap {
	t.Helper()
	connection, err := amqp.Dial(address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = connection.Close() })
	channel, err := connection.Channel()
	if err != nil {
		t.Fatal(err)
	}
	queue, err := channel.QueueDeclare("", false, true, true, false, nil)
	if err != nil {
		t.Fatal(err)
	}
	return &tap{t, channel, queue.Name}
}

func (p *tap) bind(key string) {
	p.t.Helper()
	if err := p.channel.QueueBind(p.queue, key, wire.CallExchange, false, nil); err != nil {
		p.t.Fatal(err)
	}
}

func (p *tap) heard() int {
	p.t.Helper()
	queue, err := p.channel.QueueDeclarePassive(p.queue, false, true, true, false, nil)
	if err != nil {
		p.t.Fatal(err)
	}
	return queue.Messages
}

func TestShortcutPassesByTheTopicExchange(t *testing.T) {
	address := ownHost(t, private.Get(t), ".*")
	e, p := newExchanger(t, address), newTap(t, address)
	p.bind(echoed) // and not the key of probes
	e.until("lone messages take the shortcut", func() bool { return e.sent-p.heard() > 100 })
	p.bind(wire.ProbeKey)
	before := p.heard()
	e.until("the tap is noticed", func() bool { return p.heard() > before+100 })
	before, sent := p.heard(), e.sent
	for range 1000 {
		e.exchange()
	}
	if heard := p.heard() - before; heard < e.sent-sent { // more: it gets the probes, too
		t.Errorf("the tap heard %d of %d messages", heard, e.sent-sent)
	}
}

func TestUserWithoutTheDefaultExchange(t *testing.T) {
	address := ownHost(t, private.Get(t), `^(mqrpc\.|server_|amq\.gen).*`)
	e, p := newExchanger(t, address), newTap(t, address)
	p.bind(echoed)
	for range 1000 {
		e.exchange()
	}
	if heard := p.heard(); heard != e.sent {
		t.Errorf("%d of %d messages went to the topic exchange", heard, e.sent)
	}
	if connects := e.transport.State().Connects; connects != 1 {
		t.Errorf("%d connections were made, want 1", connects)
	}
}
