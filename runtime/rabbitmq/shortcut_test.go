package rabbitmq

import (
	"slices"
	"testing"
	"time"
)

// way is a sender of lone messages to one topic exchange, with a clock.
type way struct {
	t *testing.T
	*shortcuts
	now time.Time
}

func newWay(t *testing.T) *way {
	t.Helper()
	return &way{t, newShortcuts(), time.Now()}
}

const topic = "topic"

// expect sends as many messages as make a probe worth while.
func (w *way) expect(exchange string) {
	w.t.Helper()
	for range worthProbing {
		if got := w.route(topic, w.now); got != exchange {
			w.t.Fatalf("a message goes to the exchange %q, want %q", got, exchange)
		}
	}
}

// fence asks for the probes that a fence is sent with.
func (w *way) fence(want ...string) {
	w.t.Helper()
	if got := w.toProbe(w.now); !slices.Equal(got, want) {
		w.t.Fatalf("the exchanges %q are probed, want %q", got, want)
	}
}

// newOpenWay has a shortcut that has just opened.
func newOpenWay(t *testing.T) *way {
	t.Helper()
	w := newWay(t)
	w.expect(topic)
	w.fence(topic)
	w.open(topic)
	return w
}

func TestShortcutOpensWhenAProbeComesBack(t *testing.T) {
	w := newWay(t)
	w.expect(topic)
	w.fence(topic)
	w.expect(topic)
	w.open(topic)
	w.expect(defaultExchange)
	w.now = w.now.Add(shortcutHolds - 1)
	w.expect(defaultExchange)
	w.now = w.now.Add(1)
	w.expect(topic)
}

func TestEachProbeHoldsFromWhenItWasSent(t *testing.T) {
	w := newOpenWay(t)
	for range 10 {
		w.now = w.now.Add(shortcutHolds / 2)
		w.expect(defaultExchange)
		w.fence(topic)
		w.now = w.now.Add(shortcutHolds/2 - 1)
		w.open(topic)
	}
	w.now = w.now.Add(shortcutHolds / 2) // since the last fence: all of it
	w.expect(defaultExchange)
	w.now = w.now.Add(1)
	w.expect(topic)
}

func TestTapClosesTheShortcut(t *testing.T) {
	w := newOpenWay(t)
	w.expect(defaultExchange)
	w.fence(topic) // and a tap gets it
	w.now = w.now.Add(shortcutHolds)
	w.expect(topic)
	w.fence()
	w.now = w.now.Add(tapHolds)
	w.fence() // there were no messages
	w.expect(topic)
	w.fence(topic)
	w.open(topic)
	w.expect(defaultExchange)
}

func TestFewMessagesAreNotWorthAProbe(t *testing.T) {
	w := newWay(t)
	for range 3 {
		for range worthProbing - 1 {
			w.route(topic, w.now)
		}
		w.fence()
	}
}

func TestUnaskedReturnsOpenNothing(t *testing.T) {
	w := newWay(t)
	w.open("unknown")
	w.open(topic)
	w.expect(topic)
	w.open(topic)
	w.expect(topic)
}
