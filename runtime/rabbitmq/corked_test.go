package rabbitmq

import (
	"bytes"
	"errors"
	"io"
	"net"
	"slices"
	"strings"
	"testing"
	"time"
)

// socket notes what is written to it, a string for each call.
type socket struct {
	net.Conn

	writes    []string
	deadlines []time.Time
	err       error
}

func (s *socket) SetReadDeadline(t time.Time) error {
	s.deadlines = append(s.deadlines, t)
	return s.err
}

func (s *socket) Write(p []byte) (int, error) {
	if s.err != nil {
		return 0, s.err
	}
	s.writes = append(s.writes, string(p))
	return len(p), nil
}

func (s *socket) SetDeadline(t time.Time) error { return s.SetReadDeadline(t) }

func TestCorkedWritesTogetherWhatItHolds(t *testing.T) {
	conn := &socket{}
	c := &corked{Conn: conn}
	write := func(p string) {
		t.Helper()
		if n, err := io.WriteString(c, p); n != len(p) || err != nil {
			t.Errorf("wrote %d of %d bytes: %v", n, len(p), err)
		}
	}
	write("alone")
	c.hold()
	write("a")
	write("b")
	large := strings.Repeat("x", maxHeld+1)
	write(large)
	write("c")
	if err := c.flush(); err != nil {
		t.Error(err)
	}
	write("d")
	if got, want := strings.Join(conn.writes, "|"), "alone|ab|"+large+"|c|d"; got != want {
		t.Errorf("wrote %.40q, want %.40q", got, want)
	}

	conn.writes = nil
	c.hold()
	for range maxHeld {
		write("many")
	}
	if err := c.flush(); err != nil {
		t.Error(err)
	}
	if got := strings.Join(conn.writes, ""); got != strings.Repeat("many", maxHeld) || len(conn.writes) > 20 {
		t.Errorf("wrote %d bytes in %d pieces", len(got), len(conn.writes))
	}
}

func TestCorkedTellsOfFailures(t *testing.T) {
	conn := &socket{err: errors.New("cut")}
	c := &corked{Conn: conn}
	c.hold()
	if _, err := c.Write([]byte("held")); err != nil {
		t.Error(err)
	}
	if n, err := c.Write(bytes.Repeat([]byte("x"), maxHeld)); n != 0 || err == nil {
		t.Errorf("wrote %d bytes: %v", n, err)
	}
	c.hold()
	_, _ = c.Write([]byte("held"))
	if err := c.flush(); err == nil {
		t.Error("flush tells of no failure")
	}
}

func TestReadDeadlinesMoveInSteps(t *testing.T) {
	conn := &socket{}
	c := &corked{Conn: conn}
	now := time.Now()
	at := now.Add
	for _, deadline := range []time.Time{
		at(0), at(0), at(deadlineGrain - 1), at(deadlineGrain), at(deadlineGrain + 1), at(deadlineGrain - 1), {}, {}, at(0),
	} {
		if err := c.SetReadDeadline(deadline); err != nil {
			t.Error(err)
		}
	}
	want := []time.Time{at(0), at(deadlineGrain), at(deadlineGrain - 1), {}, at(0)}
	if !slices.Equal(conn.deadlines, want) {
		t.Errorf("the deadlines were %v, want %v", conn.deadlines, want)
	}
}

// amqp091 lifts all deadlines after its handshake.
func TestReadDeadlineIsSetAnewAfterAllAreLifted(t *testing.T) {
	conn := &socket{}
	c := &corked{Conn: conn}
	deadline := time.Now()
	for _, set := range []func(time.Time) error{c.SetReadDeadline, c.SetDeadline, c.SetReadDeadline} {
		if err := set(deadline); err != nil {
			t.Error(err)
		}
	}
	if len(conn.deadlines) != 3 {
		t.Errorf("%d deadlines were set, want 3", len(conn.deadlines))
	}
}
