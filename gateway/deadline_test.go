package gateway

import (
	"errors"
	"net"
	"os"
	"testing"
	"time"
)

// counted is one end of a pipe that counts how often its read deadline is set.
type counted struct {
	net.Conn

	sets int
}

func (c *counted) SetReadDeadline(t time.Time) error {
	c.sets++
	return c.Conn.SetReadDeadline(t)
}

func thriftyPipe(t *testing.T) (*thriftyConn, *counted, net.Conn) {
	t.Helper()
	near, far := net.Pipe()
	t.Cleanup(func() {
		_ = near.Close()
		_ = far.Close()
	})
	below := &counted{Conn: near}
	return newThriftyConn(below), below, far
}

// TestDeadlinesThatDoNotPass goes through what an HTTP server does for each
// request: neither the connection below nor the timer hears of it.
func TestDeadlinesThatDoNotPass(t *testing.T) {
	c, below, _ := thriftyPipe(t)
	set := func(deadline time.Time) {
		t.Helper()
		if err := c.SetReadDeadline(deadline); err != nil {
			t.Fatal(err)
		}
	}
	var none time.Time
	request := func() {
		set(time.Now().Add(time.Hour))     // idle
		set(time.Now().Add(time.Minute))   // headers
		set(time.Now().Add(2 * time.Hour)) // body
		set(none)
	}
	request()
	first := c.read.due
	for range 10 {
		request()
	}
	if below.sets != 0 || c.read.due != first {
		t.Errorf("the connection below was told of %d deadlines, the timer was moved by %v", below.sets, c.read.due.Sub(first))
	}
	set(time.Unix(1, 0)) // to end a read under way
	set(none)
	request()
	if below.sets != 2 || c.read.due != first {
		t.Errorf("to end a read, the connection below was told of %d deadlines, the timer was moved by %v", below.sets, c.read.due.Sub(first))
	}
}

func TestTimersThatFireEarlyEndNothing(t *testing.T) {
	for name, later := range map[string]time.Time{"none": {}, "later": time.Now().Add(time.Hour)} {
		t.Run(name, func(t *testing.T) {
			c, below, far := thriftyPipe(t)
			if err := errors.Join(c.SetDeadline(time.Now().Add(time.Millisecond)), c.SetDeadline(later)); err != nil {
				t.Fatal(err)
			}
			read, written := make(chan error, 1), make(chan error, 1)
			go func() {
				_, err := c.Read(make([]byte, 1))
				read <- err
			}()
			go func() {
				_, err := c.Write([]byte("a"))
				written <- err
			}()
			<-time.After(20 * time.Millisecond) // both timers fire
			if _, err := far.Write([]byte("x")); err != nil {
				t.Error(err)
			}
			if _, err := far.Read(make([]byte, 1)); err != nil {
				t.Error(err)
			}
			if err := errors.Join(<-read, <-written); err != nil {
				t.Error(err)
			}
			if below.sets != 0 {
				t.Errorf("the read deadline was set %d times", below.sets)
			}
		})
	}
}

// TestLaterDeadlinesRevive: a connection can be used again after its deadline.
func TestLaterDeadlinesRevive(t *testing.T) {
	c, _, far := thriftyPipe(t)
	for _, later := range []time.Time{{}, time.Now().Add(time.Hour)} {
		if err := c.SetReadDeadline(time.Now().Add(time.Millisecond)); err != nil {
			t.Fatal(err)
		}
		if _, err := c.Read(make([]byte, 1)); !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("got %v", err)
		}
		if err := c.SetReadDeadline(later); err != nil {
			t.Fatal(err)
		}
		go func() { _, _ = far.Write([]byte("x")) }()
		if _, err := c.Read(make([]byte, 1)); err != nil {
			t.Error(err)
		}
	}
}

func TestClosedConnectionsHaveNoTimers(t *testing.T) {
	c, _, _ := thriftyPipe(t)
	if err := errors.Join(c.SetDeadline(time.Now().Add(time.Hour)), c.Close()); err != nil {
		t.Fatal(err)
	}
	if c.read.timer.Stop() || c.write.timer.Stop() {
		t.Error("a timer still runs")
	}
}

func TestDeadlinesEndReadsAndWrites(t *testing.T) {
	c, _, _ := thriftyPipe(t)
	began := time.Now()
	for _, after := range []time.Duration{5 * time.Millisecond, 10 * time.Millisecond} {
		if err := c.SetDeadline(began.Add(after)); err != nil {
			t.Fatal(err)
		}
	}
	for name, do := range map[string]func([]byte) (int, error){"read": c.Read, "write": c.Write} {
		if _, err := do(make([]byte, 1)); !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if took := time.Since(began); took < 10*time.Millisecond {
		t.Errorf("they ended after %v, before their deadline", took)
	}
	ended := make(chan error, 1)
	if err := c.SetReadDeadline(time.Now().Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
	go func() {
		_, err := c.Read(make([]byte, 1))
		ended <- err
	}()
	if err := c.SetReadDeadline(time.Unix(1, 0)); err != nil {
		t.Fatal(err)
	}
	if err := <-ended; !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("a read under way: %v", err)
	}
}
