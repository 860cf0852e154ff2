package rabbitmq

import (
	"bytes"
	"errors"
	"io"
	"net"
	goruntime "runtime"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
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

func (s *socket) Close() error { return s.err }

func TestCorkedWritesTogetherWhatItHolds(t *testing.T) {
	conn := &socket{}
	c := newCorked(conn)
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
	c := newCorked(conn)
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

// newPair returns both ends of a connection.
func newPair(t *testing.T) (here *corked, there *net.TCPConn) {
	t.Helper()
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	dialed, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	here = newCorked(dialed)
	t.Cleanup(func() { _ = here.Close() })
	accepted, err := listener.Accept()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = accepted.Close() })
	there, ok := accepted.(*net.TCPConn)
	if !ok {
		t.Fatalf("accepted a %T", accepted)
	}
	return here, there
}

func TestFlushNowWaitsForNothing(t *testing.T) {
	here, there := newPair(t)
	piece := bytes.Repeat([]byte("0123456789abcdef"), maxHeld/32)
	pieces := 0
	for here.flushNow() { // until the system takes no more
		here.hold()
		if _, err := here.Write(piece); err != nil {
			t.Fatal(err)
		}
		if pieces++; pieces > 1000 {
			t.Fatal("the system takes everything")
		}
	}
	if pieces == 1 {
		t.Error("nothing was written")
	}
	if _, err := io.WriteString(here, "tail"); err != nil { // behind what is held back
		t.Error(err)
	}
	flushed := make(chan error, 1)
	go func() { flushed <- here.flush() }()
	want := append(bytes.Repeat(piece, pieces), "tail"...)
	got := make([]byte, len(want))
	if _, err := io.ReadFull(there, got); err != nil || !bytes.Equal(got, want) {
		t.Errorf("%d pieces and a tail did not arrive as they were sent: %v", pieces, err)
	}
	if err := <-flushed; err != nil {
		t.Error(err)
	}
}

func TestHoldNowWaitsForNothing(t *testing.T) {
	here, there := newPair(t)
	for here.holdNow() { // until the system takes no more
		if _, err := here.Write(make([]byte, maxHeld)); err != nil {
			t.Fatal(err)
		}
		here.flushNow()
	}
	flushing := make(chan error, 1)
	go func() { flushing <- here.flush() }()
	for here.mu.TryLock() { // until it waits
		here.mu.Unlock()
		goruntime.Gosched()
	}
	if here.holdNow() {
		t.Error("held while somebody writes")
	}
	go func() { _, _ = io.Copy(io.Discard, there) }()
	if err := <-flushing; err != nil {
		t.Error(err)
	}
	if !here.holdNow() {
		t.Error("not held when nobody writes")
	}
}

func TestFlushNowLeavesFailuresToFlush(t *testing.T) {
	here, _ := newPair(t)
	here.hold()
	_, _ = io.WriteString(here, "lost")
	_ = here.Close()
	if here.flushNow() {
		t.Error("written to a closed connection")
	}
	if here.flush() == nil {
		t.Error("flush tells of no failure")
	}
}

func TestFlushNowNeedsASystemSocket(t *testing.T) {
	conn := &socket{}
	c := newCorked(conn)
	c.hold()
	_, _ = io.WriteString(c, "held")
	if c.flushNow() || len(conn.writes) > 0 {
		t.Error("written by something else than flush")
	}
	if err := c.flush(); err != nil || !slices.Equal(conn.writes, []string{"held"}) {
		t.Errorf("wrote %q: %v", conn.writes, err)
	}
}

func TestReadDeadlineIsSetBeforeAPause(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		conn := &socket{}
		c := newCorked(conn)
		began := time.Now()
		if err := c.SetReadDeadline(began.Add(time.Hour)); err != nil {
			t.Error(err)
		}
		if want := []time.Time{began.Add(time.Hour)}; !slices.Equal(conn.deadlines, want) {
			t.Errorf("the deadlines were %v, want %v", conn.deadlines, want)
		}
		if took := time.Since(began); took != deadlinePause {
			t.Errorf("it took %v", took)
		}
		conn.err = errors.New("cut")
		if err := c.SetReadDeadline(began); !errors.Is(err, conn.err) {
			t.Errorf("the error is %v", err)
		}
	})
}

func TestCloseEndsThePause(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCorked(&socket{})
		began := time.Now()
		done := make(chan error, 1)
		go func() { done <- c.SetReadDeadline(began) }()
		synctest.Wait()
		for range 2 {
			if err := c.Close(); err != nil {
				t.Error(err)
			}
		}
		if err := <-done; err != nil || time.Since(began) > 0 {
			t.Errorf("it took %v: %v", time.Since(began), err)
		}
	})
}
