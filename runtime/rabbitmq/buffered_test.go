package rabbitmq

import (
	"errors"
	"io"
	"net"
	"strings"
	"testing"
)

// socket notes what is written to it, a string for each call.
type socket struct {
	net.Conn

	writes []string
	err    error
}

func (s *socket) Write(p []byte) (int, error) {
	if s.err != nil {
		return 0, s.err
	}
	s.writes = append(s.writes, string(p))
	return len(p), nil
}

func TestBufferedConnWritesTogetherWhatItHolds(t *testing.T) {
	conn := &socket{}
	c := newBufferedConn(conn)
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
	if err := c.flush(); err != nil {
		t.Error(err)
	}
	write("c")
	if got, want := strings.Join(conn.writes, "|"), "alone|ab|c"; got != want {
		t.Errorf("wrote %q, want %q", got, want)
	}

	conn.writes = nil
	c.hold()
	for range bufferSize {
		write("many")
	}
	if err := c.flush(); err != nil {
		t.Error(err)
	}
	if got := strings.Join(conn.writes, ""); got != strings.Repeat("many", bufferSize) || len(conn.writes) > 4 {
		t.Errorf("wrote %d bytes in %d pieces", len(got), len(conn.writes))
	}
}

func TestBufferedConnTellsOfFailures(t *testing.T) {
	conn := &socket{err: errors.New("cut")}
	c := newBufferedConn(conn)
	c.hold()
	if _, err := io.WriteString(c, "held"); err != nil {
		t.Error("nothing has failed yet")
	}
	if err := c.flush(); !errors.Is(err, conn.err) {
		t.Errorf("flush: %v, want %v", err, conn.err)
	}
	if _, err := io.WriteString(c, "direct"); !errors.Is(err, conn.err) {
		t.Errorf("Write: %v, want %v", err, conn.err)
	}
}
