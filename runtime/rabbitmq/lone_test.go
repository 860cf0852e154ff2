package rabbitmq

import (
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/mqrpc/mqrpc/runtime"
)

func lone(m *runtime.Publishing) { m.Lone = true }

func loneAndHeld(m *runtime.Publishing) { m.Lone, m.Hold = true, true }

// publishLone has lone messages published and written.
func (b *box) publishLone(names ...string) {
	b.t.Helper()
	for _, name := range names {
		b.publish(name, lone)
	}
	b.expectWritten(names...)
	for range names {
		b.wroteLone()
	}
}

// expectDue takes the number of messages that a fence is due after.
func (b *box) expectDue(want uint64) {
	b.t.Helper()
	if got := b.takeUnfenced(); got != want {
		b.t.Errorf("a fence is due after %d messages, want %d", got, want)
	}
}

func TestFenceSettlesLoneMessages(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBox(t)
		b.connected()
		b.publishLone("a", "b")
		b.publish("confirmed", nil)
		b.expectWritten("confirmed")
		b.expectDue(0)
		advance(fenceDelay)
		synctest.Wait()
		b.expectDue(2)
		b.publishLone("c") // after the fence
		b.fenced(2)
		b.expect("a", nil)
		b.expect("b", nil)
		b.expect("c")
		b.expect("confirmed")
		advance(fenceDelay)
		synctest.Wait()
		b.expectDue(3)
		b.fenced(3)
		b.expect("c", nil)
		advance(fenceDelay)
		b.expectDue(0)
	})
}

func TestManyLoneMessagesAreFencedSoon(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBox(t)
		b.connected()
		for range maxUnfenced - 1 {
			b.publishLone("a")
		}
		b.expectDue(0)
		b.publishLone("a")
		b.expectDue(maxUnfenced)
	})
}

func TestManyLoneMessagesAreFencedAnew(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBox(t)
		b.connected()
		for i := range uint64(3) {
			for range maxUnfenced {
				b.expectDue(0)
				b.publishLone("a")
			}
			b.expectDue((i + 1) * maxUnfenced) // although none is settled
		}
	})
}

func TestLoneMessageIsWrittenByItsPublisher(t *testing.T) {
	b := newBox(t)
	var written []string
	b.writes = func() bool {
		message, ok := b.next(time.Now(), publisher)
		if ok {
			written = append(written, message.RoutingKey)
		}
		return ok
	}
	expect := func(poked bool, want ...string) {
		t.Helper()
		select {
		case <-b.wake:
			if !poked {
				t.Error("the writer is woken")
			}
		default:
			if poked {
				t.Error("the writer is not woken")
			}
		}
		if !slices.Equal(written, want) {
			t.Errorf("publishers have written %q, want %q", written, want)
		}
		written = nil
	}
	b.publish("waits", loneAndHeld)
	expect(true)
	b.connected()
	b.publish("second", lone)
	expect(true)
	b.expectWritten("waits", "second")
	b.publish("a", lone)
	expect(false, "a")
	b.publish("together", nil)
	expect(true)
	b.expectWritten("together")
	b.publish("large", func(m *runtime.Publishing) { m.Lone, m.Body = true, make([]byte, maxDirect+1) })
	expect(true)
	if _, ok := b.next(time.Now(), publisher); ok {
		t.Error("a large message may be written by a publisher")
	}
	b.expectWritten("large")
	b.writes = func() bool { return false } // others write
	b.publish("b", lone)
	expect(true)
}

func TestReturnedLoneMessagesAreToldAtOnce(t *testing.T) {
	b := newBox(t)
	b.connected()
	b.publishLone("a", "b", "b")
	b.comesBack("b")
	b.expect("a")
	b.expect("b", runtime.ErrNoQueue)
	b.comesBack("b")
	b.expect("b", runtime.ErrNoQueue, runtime.ErrNoQueue)
	b.comesBack("b")
	b.returned("a", []byte("another"))
	b.returned("another", []byte("a"))
	b.fenced(3)
	b.expect("a", nil)
	b.expect("b", runtime.ErrNoQueue, runtime.ErrNoQueue)
	b.comesBack("a")
	b.expect("a", nil)
}

// comesBack has the broker return a message.
func (b *box) comesBack(name string) { b.returned(name, []byte(name)) }

// newBoxWithBoth has written two lone messages, of which one is held.
func newBoxWithBoth(t *testing.T) *box {
	t.Helper()
	b := newBox(t)
	b.connected()
	b.publishLone("a")
	b.publish("held", loneAndHeld)
	b.expectWritten("held")
	b.wroteLone()
	return b
}

func TestBrokenConnectionLosesLoneMessages(t *testing.T) {
	b := newBoxWithBoth(t)
	b.disconnected()
	b.expect("a", runtime.ErrLost)
	b.connected()
	b.expectWritten("held")
	b.wroteLone()
	b.fenced(5) // more than there are
	b.expect("held", nil)
}

func TestBlockFailsLoneMessages(t *testing.T) {
	b := newBoxWithBoth(t)
	b.setBlocked(true)
	b.expect("a", runtime.ErrBlocked)
	b.setBlocked(false)
	b.fenced(2)
	b.expect("a", runtime.ErrBlocked)
	b.expect("held", nil)
}

func TestClosingWaitsForLoneMessages(t *testing.T) {
	b := newBox(t)
	b.connected()
	b.publishLone("a")
	idle := b.finish()
	select {
	case <-idle:
		t.Error("idle with a lone message under way")
	default:
	}
	b.expectDue(1)
	b.fenced(1)
	<-idle
	b.expect("a", nil)
}
