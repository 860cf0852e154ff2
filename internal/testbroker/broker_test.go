//go:build services

package testbroker

import (
	"context"
	"os"
	"strings"
	"testing"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"
)

var lazy Lazy

func TestMain(m *testing.M) {
	code := m.Run()
	lazy.Close()
	os.Exit(code)
}

func TestShared(t *testing.T) {
	if got := dial(t, Shared(t)).Properties["product"]; got != "RabbitMQ" {
		t.Errorf("the shared broker says it is %v, want RabbitMQ", got)
	}
}

// TestRestart checks that a durable queue and its persistent message outlive a
// stop and a kill, at the same URL.
func TestRestart(t *testing.T) {
	b := Start(t, Options{})
	url := b.URL()
	publishDurable(t, url, "kept", "message")

	for _, end := range []struct {
		name string
		do   func()
	}{
		{"stop", b.Stop},
		{"kill", b.Kill},
	} {
		end.do()
		if conn, err := amqp.Dial(url); err == nil {
			conn.Close()
			t.Fatalf("after %s: the broker still answers", end.name)
		}
		b.Start()
		if b.URL() != url {
			t.Fatalf("after %s: the URL is %s, was %s", end.name, b.URL(), url)
		}
		requireMessage(t, url, "kept", "message")
	}
}

func TestLazy(t *testing.T) {
	first := lazy.Get(t)
	first.Kill()
	second := lazy.Get(t)
	if first.URL() != second.URL() {
		t.Errorf("the same broker has two URLs, %s and %s", first.URL(), second.URL())
	}
	dial(t, second.URL())
}

func TestCtlAndLogs(t *testing.T) {
	b := lazy.Get(t)
	if out := b.Ctl("list_vhosts"); !strings.Contains(out, "/") {
		t.Errorf("list_vhosts printed %q", out)
	}
	if !strings.Contains(b.Logs(), "RabbitMQ") {
		t.Error("the log does not name RabbitMQ")
	}
}

func TestConfig(t *testing.T) {
	b := Start(t, Options{Config: "channel_max = 7"})
	if got := dial(t, b.URL()).Config.ChannelMax; got != 7 {
		t.Errorf("channel_max is %d, want 7", got)
	}
}

// TestBlock checks that a publisher is blocked by the alarm at once, and may
// publish when it is cleared.
func TestBlock(t *testing.T) {
	b := lazy.Get(t)
	conn := dial(t, b.URL())
	blocked := conn.NotifyBlocked(make(chan amqp.Blocking, 2))
	channel, err := conn.Channel()
	if err != nil {
		t.Fatal(err)
	}
	if err := channel.Confirm(false); err != nil {
		t.Fatal(err)
	}

	b.Block()
	confirm := publish(t, channel, "nowhere", "during the alarm")
	if notice := receive(t, blocked); !notice.Active {
		t.Errorf("got %+v, want a notice that the connection is blocked", notice)
	}
	select {
	case <-confirm.Done():
		t.Error("the broker confirmed a message in spite of its alarm")
	default:
	}

	b.Unblock()
	if notice := receive(t, blocked); notice.Active {
		t.Errorf("got %+v, want a notice that the connection is unblocked", notice)
	}
	receive(t, confirm.Done())
}

// TestBlockEndsWithTheTest leaves the alarm to the cleanup, and with a killed
// broker.
func TestBlockEndsWithTheTest(t *testing.T) {
	t.Run("left blocked", func(t *testing.T) { lazy.Get(t).Block() })
	publishDurable(t, lazy.Get(t).URL(), "unblocked", "message")

	t.Run("killed while blocked", func(t *testing.T) {
		b := lazy.Get(t)
		b.Block()
		b.Kill()
	})
	publishDurable(t, lazy.Get(t).URL(), "started again", "message")
}

func TestTLS(t *testing.T) {
	files := MakeTLS(t)
	b := Start(t, Options{TLS: files})
	dial(t, b.URL())

	conn, err := amqp.DialTLS(b.TLSURL(), files.ClientConfig(t))
	if err != nil {
		t.Fatalf("with a client certificate: %v", err)
	}
	defer conn.Close()

	if conn, err := amqp.DialTLS(b.TLSURL(), files.ConfigWithoutCertificate(t)); err == nil {
		conn.Close()
		t.Error("the broker accepted a client without a certificate")
	}
	if conn, err := amqp.DialTLS(b.TLSURL(), MakeTLS(t).ClientConfig(t)); err == nil {
		conn.Close()
		t.Error("a client accepted a broker of another authority")
	}
}

func dial(t *testing.T, url string) *amqp.Connection {
	t.Helper()
	conn, err := amqp.Dial(url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.CloseDeadline(time.Now().Add(time.Second)) })
	return conn
}

// publishDurable declares a durable queue and publishes a persistent message to
// it; it returns when the broker has it on disk.
func publishDurable(t *testing.T, url, queue, body string) {
	t.Helper()
	channel, err := dial(t, url).Channel()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := channel.QueueDeclare(queue, true, false, false, false, nil); err != nil {
		t.Fatal(err)
	}
	if err := channel.Confirm(false); err != nil {
		t.Fatal(err)
	}
	receive(t, publish(t, channel, queue, body).Done())
}

func publish(t *testing.T, channel *amqp.Channel, queue, body string) *amqp.DeferredConfirmation {
	t.Helper()
	confirm, err := channel.PublishWithDeferredConfirmWithContext(context.Background(), "", queue, false, false,
		amqp.Publishing{DeliveryMode: amqp.Persistent, Body: []byte(body)})
	if err != nil {
		t.Fatal(err)
	}
	return confirm
}

// requireMessage looks at the first message of a queue, and leaves it there.
func requireMessage(t *testing.T, url, queue, body string) {
	t.Helper()
	channel, err := dial(t, url).Channel()
	if err != nil {
		t.Fatal(err)
	}
	message, ok, err := channel.Get(queue, false)
	if err != nil || !ok || string(message.Body) != body {
		t.Fatalf("queue %s has %q (%v, %v), want %q", queue, message.Body, ok, err, body)
	}
	if err := message.Nack(false, true); err != nil {
		t.Fatal(err)
	}
	if err := channel.Close(); err != nil {
		t.Fatal(err)
	}
}

func receive[T any](t *testing.T, from <-chan T) T {
	t.Helper()
	select {
	case value := <-from:
		return value
	case <-time.After(30 * time.Second):
		t.Fatal("nothing came within 30 s")
		panic("unreachable")
	}
}
