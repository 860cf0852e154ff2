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

// TestLaterDeadlinesAreNotSet goes through what an HTTP server does for each
// request.
func TestLaterDeadlinesAreNotSet(t *testing.T) {
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
	first := below.sets
	for range 10 {
		request()
	}
	if below.sets != first || first > 2 {
		t.Errorf("set %d times for the first request, and %d times for ten more", first, below.sets-first)
	}
	set(time.Unix(1, 0)) // to end a read under way
	set(none)
	after := below.sets
	request()
	if below.sets != after {
		t.Errorf("set %d times after a read was ended", below.sets-after)
	}
}

func TestTimersThatFireEarlyEndNothing(t *testing.T) {
	c, below, far := thriftyPipe(t)
	if err := c.SetDeadline(time.Now().Add(time.Millisecond)); err != nil {
		t.Fatal(err)
	}
	if err := c.SetDeadline(time.Time{}); err != nil {
		t.Fatal(err)
	}
	written := make(chan error, 1)
	read := make(chan error, 1)
	go func() {
		_, err := c.Read(make([]byte, 1))
		read <- err
	}()
	go func() {
		_, err := c.Write([]byte("ab"))
		written <- err
	}()
	<-time.After(20 * time.Millisecond) // both timers fire
	if _, err := far.Write([]byte("x")); err != nil {
		t.Error(err)
	}
	if err := <-read; err != nil {
		t.Errorf("read: %v", err)
	}
	for range 2 {
		if _, err := far.Read(make([]byte, 1)); err != nil {
			t.Error(err)
		}
	}
	if err := <-written; err != nil {
		t.Errorf("write: %v", err)
	}
	if below.sets > 3 {
		t.Errorf("the read deadline was set %d times", below.sets)
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
