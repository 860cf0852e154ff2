package rabbitmq

import (
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/mqrpc/mqrpc/runtime/transport"
)

// box is an outbox whose messages note their outcomes.
type box struct {
	*outbox
	t        *testing.T
	outcomes map[string][]error
}

func newBox(t *testing.T) *box {
	return &box{outbox: newOutbox(time.Second, 1000), t: t, outcomes: map[string][]error{}}
}

func (b *box) publish(name string, change func(*transport.Publishing)) {
	message := transport.Publishing{RoutingKey: name, Body: []byte(name)}
	if change != nil {
		change(&message)
	}
	note := func(err error) { b.outcomes[name] = append(b.outcomes[name], err) }
	if err := b.put(outgoing{Publishing: message, done: note}); err != nil {
		note(err)
	}
}

// advance lets the time of a synctest bubble pass.
func advance(d time.Duration) { <-time.After(d) }

func hold(m *transport.Publishing) { m.Retry = true }

// write takes out what a writer would send.
func (b *box) write() []string {
	var names []string
	for {
		message, _, ok := b.next(time.Now())
		if !ok {
			return names
		}
		names = append(names, message.RoutingKey)
	}
}

func (b *box) expect(name string, want ...error) {
	b.t.Helper()
	got := b.outcomes[name]
	if len(got) != len(want) {
		b.t.Errorf("%s: got outcomes %v, want %v", name, got, want)
		return
	}
	for i := range want {
		if !errors.Is(got[i], want[i]) {
			b.t.Errorf("%s: got outcomes %v, want %v", name, got, want)
		}
	}
}

func (b *box) expectWritten(want ...string) {
	b.t.Helper()
	if got := b.write(); fmt.Sprint(got) != fmt.Sprint(want) {
		b.t.Errorf("written: %v, want %v", got, want)
	}
}

func TestConfirmsFollowTheOrderOfSending(t *testing.T) {
	b := newBox(t)
	b.connected()
	b.publish("a", nil)
	b.publish("b", nil)
	b.expectWritten("a", "b")
	b.confirm(nil)
	b.confirm(transport.ErrNoQueue)
	b.confirm(nil) // of a message that was never sent
	b.expect("a", nil)
	b.expect("b", transport.ErrNoQueue)
}

func TestPublishTagsBeginAnewWithEveryConnection(t *testing.T) {
	b := newBox(t)
	for range 2 {
		b.connected()
		for want := range uint64(3) {
			b.publish("a", nil)
			if _, tag, ok := b.next(time.Now()); !ok || tag != want+1 {
				t.Errorf("got tag %d, %v, want %d", tag, ok, want+1)
			}
		}
		b.disconnected()
	}
}

func TestShortOutageIsNotSeen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBox(t)
		b.connected()
		b.disconnected()
		b.publish("a", nil)
		advance(900 * time.Millisecond)
		b.sweep()
		b.connected()
		b.expectWritten("a")
	})
}

func TestLongOutageFailsWhatIsNotHeld(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBox(t)
		b.connected()
		b.disconnected()
		b.publish("early", nil)
		b.publish("held", hold)
		advance(time.Second)
		b.sweep()
		b.publish("late", nil)
		b.expect("early", transport.ErrDisconnected)
		b.expect("late", transport.ErrDisconnected)
		b.connected()
		b.expectWritten("held")
	})
}

func TestBrokenConnectionLosesWhatIsNotHeld(t *testing.T) {
	b := newBox(t)
	b.connected()
	b.publish("a", nil)
	b.publish("b", hold)
	b.publish("c", hold)
	b.expectWritten("a", "b", "c")
	b.publish("d", hold)
	b.disconnected()
	b.expect("a", transport.ErrLost)
	b.connected()
	b.expectWritten("b", "c", "d")
}

func TestMessageThatBreaksConnectionsIsGivenUp(t *testing.T) {
	b := newBox(t)
	b.publish("poison", hold)
	for range maxBreaks {
		b.expect("poison")
		b.connected()
		b.write()
		b.disconnected()
	}
	b.expect("poison", transport.ErrLost)
}

func TestBlockFailsWhatIsNotHeld(t *testing.T) {
	b := newBox(t)
	b.connected()
	b.publish("sent", nil)
	b.publish("sent and held", hold)
	b.write()
	b.publish("waiting", nil)
	b.publish("waiting and held", hold)
	b.setBlocked(true)
	b.publish("new", nil)
	for _, name := range []string{"sent", "waiting", "new"} {
		b.expect(name, transport.ErrBlocked)
	}
	for name, want := range map[string]bool{"sent": true, "waiting": false, "new": false} {
		if may := errors.Is(b.outcomes[name][0], transport.ErrLost); may != want {
			t.Errorf("%s: may have been delivered: %t, want %t", name, may, want)
		}
	}
	b.expectWritten()
	b.setBlocked(false)
	b.expectWritten("waiting and held")
	b.confirm(nil) // of "sent", whose outcome is told already
	b.confirm(nil)
	b.expect("sent", transport.ErrBlocked)
	b.expect("sent and held", nil)
}

func TestDeadlinePassesWhileWaiting(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBox(t)
		soon := func(m *transport.Publishing) {
			m.Retry = true
			m.Deadline = time.Now().Add(time.Second)
		}
		b.publish("swept", soon)
		advance(2 * time.Second)
		b.sweep()
		b.expect("swept", transport.ErrExpired)
		b.publish("found", soon)
		advance(2 * time.Second)
		b.connected()
		b.expectWritten()
		b.expect("found", transport.ErrExpired)
	})
}

func TestBacklogIsBounded(t *testing.T) {
	b := newBox(t)
	large := func(m *transport.Publishing) { m.Retry, m.Body = true, make([]byte, 2000) }
	b.publish("alone", large) // larger than the bound, but nothing else waits
	b.publish("second", hold)
	b.expect("second", transport.ErrBacklog)
	b.connected()
	b.expectWritten("alone")
	b.publish("third", hold)
	b.expectWritten("third")
}

func TestFinishWaitsForTheLastConfirm(t *testing.T) {
	b := newBox(t)
	b.connected()
	b.publish("a", nil)
	done := b.finish()
	b.publish("late", nil)
	b.expect("late", transport.ErrClosed)
	b.write()
	select {
	case <-done:
		t.Fatal("finished before the confirm")
	default:
	}
	b.confirm(nil)
	<-done
}

func TestDropFailsWhatIsLeft(t *testing.T) {
	b := newBox(t)
	b.connected()
	b.publish("sent", hold)
	b.write()
	b.publish("waiting", hold)
	b.drop()
	b.expect("sent", transport.ErrClosed)
	b.expect("waiting", transport.ErrClosed)
}
