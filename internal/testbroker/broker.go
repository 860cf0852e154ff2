package testbroker

import (
	"strings"
	"testing"

	"github.com/mqrpc/mqrpc/internal/servicescript"
)

// Options say how a private broker differs from the default one.
type Options struct {
	// TLS, if not nil, gives the broker a second listener that demands a
	// client certificate; see [MakeTLS].
	TLS *TLSFiles

	// Config holds more lines for rabbitmq.conf.
	Config string
}

// Broker is a private RabbitMQ, as one test sees it: whatever goes wrong fails
// that test, and the methods that change the broker's state return when the
// change is in effect. Methods must not be called concurrently, save URL and
// TLSURL.
type Broker struct {
	t    testing.TB
	node *node
}

// Start starts a private broker for a test, and removes it with all its data
// when the test ends. If the test has failed by then, it logs the last lines of
// the broker's log.
func Start(t testing.TB, opts Options) *Broker {
	t.Helper()
	n, err := launchNode(opts)
	if err != nil {
		t.Fatal(err)
	}
	b := &Broker{t: t, node: n}
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("the end of the broker's log:\n%s", lastLines(b.Logs(), 40))
		}
		if err := n.remove(); err != nil {
			t.Error(err)
		}
	})
	return b
}

// URL returns the URL of the plain listener. It stays the same when the broker
// is stopped and started.
func (b *Broker) URL() string { return b.node.url }

// TLSURL returns the amqps:// URL, and fails the test if the broker was started
// without [Options].TLS.
func (b *Broker) TLSURL() string {
	b.t.Helper()
	if b.node.tlsURL == "" {
		b.t.Fatal("the broker was started without Options.TLS")
	}
	return b.node.tlsURL
}

// Stop stops the broker gracefully: it tells its connections that it closes
// them. Its durable state waits for Start.
func (b *Broker) Stop() {
	b.t.Helper()
	b.check(b.node.end("stop"))
}

// Kill kills the broker with SIGKILL. Its durable state waits for Start.
func (b *Broker) Kill() {
	b.t.Helper()
	b.check(b.node.end("kill"))
}

// Start starts the broker again after Stop or Kill, at the same URLs and with
// the same durable state. It does nothing while the broker runs.
func (b *Broker) Start() {
	b.t.Helper()
	b.check(b.node.start())
}

// Ctl runs rabbitmqctl on the broker and returns what it prints.
func (b *Broker) Ctl(args ...string) string {
	b.t.Helper()
	out, err := servicescript.Node(append([]string{"ctl", b.node.dir}, args...)...)
	b.check(err)
	return out
}

// Logs returns what the broker has logged since it was first started.
func (b *Broker) Logs() string {
	b.t.Helper()
	out, err := servicescript.Node("log", b.node.dir)
	b.check(err)
	return out
}

func (b *Broker) check(err error) {
	if err != nil {
		b.t.Helper()
		b.t.Fatal(err)
	}
}

func lastLines(text string, n int) string {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	return strings.Join(lines[max(0, len(lines)-n):], "\n")
}
