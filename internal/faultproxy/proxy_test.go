package faultproxy

import (
	"errors"
	"io"
	"net"
	"sync"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	// patience bounds the wait for something that happens.
	patience = 10 * time.Second
	// silence is how long nothing must be heard of what must not happen.
	silence = 50 * time.Millisecond
)

func TestPassesBytesAndClose(t *testing.T) {
	p := New(t, echoServer(t))
	client := connect(t, p)
	exchange(t, client, "there and back")

	// A half close reaches the server, which then closes too.
	if err := client.CloseWrite(); err != nil {
		t.Fatal(err)
	}
	if rest, err := io.ReadAll(client); err != nil || len(rest) != 0 {
		t.Errorf("after the close: got %q, %v, want the end", rest, err)
	}
	eventually(t, "the connection is gone", func() bool { return p.Open() == 0 })
	want := Stats{Accepted: 1, BytesUpstream: 14, BytesDownstream: 14}
	if got := p.Stats(); got != want {
		t.Errorf("stats are %+v, want %+v", got, want)
	}
}

func TestPassesResetOn(t *testing.T) {
	server := listen(t)
	p := New(t, server.Addr().String())
	client := connect(t, p)
	accepted, err := server.Accept()
	if err != nil {
		t.Fatal(err)
	}
	reset(accepted)
	requireReset(t, client)
}

func TestCut(t *testing.T) {
	p := New(t, echoServer(t))
	clients := []*net.TCPConn{connect(t, p), connect(t, p)}
	for _, client := range clients {
		exchange(t, client, "before")
	}

	p.Cut()
	if n := p.Open(); n != 0 {
		t.Errorf("%d connections are open after Cut", n)
	}
	for _, client := range clients {
		requireReset(t, client)
	}
	exchange(t, connect(t, p), "after")
	if got := p.Stats(); got.Cut != 2 || got.Accepted != 3 {
		t.Errorf("stats are %+v, want 2 cut and 3 accepted", got)
	}
}

func TestRefuse(t *testing.T) {
	p := New(t, echoServer(t))
	old := connect(t, p)
	exchange(t, old, "before")

	p.Refuse(true)
	requireRefused(t, p)
	exchange(t, old, "an open connection is left alone")

	p.Refuse(false)
	exchange(t, connect(t, p), "after")
	if got := p.Stats(); got.Refused != 1 || got.Accepted != 2 {
		t.Errorf("stats are %+v, want 1 refused and 2 accepted", got)
	}
}

func TestServerAbsent(t *testing.T) {
	server := listen(t)
	p := New(t, server.Addr().String())
	if err := server.Close(); err != nil {
		t.Fatal(err)
	}
	requireRefused(t, p)
	if got := p.Stats(); got.Refused != 1 {
		t.Errorf("stats are %+v, want 1 refused", got)
	}
}

func TestFreeze(t *testing.T) {
	for _, test := range []struct {
		name    string
		freeze  func(*Proxy)
		reaches bool // whether the server hears the client
	}{
		{"both ways", (*Proxy).Freeze, false},
		{"upstream", (*Proxy).FreezeUpstream, false},
		{"downstream", (*Proxy).FreezeDownstream, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			p := New(t, echoServer(t))
			client := connect(t, p)
			exchange(t, client, "before")

			test.freeze(p)
			test.freeze(p) // twice is once
			heard := p.Stats().BytesUpstream
			write(t, client, "held back")
			requireSilence(t, client)
			if reached := p.Stats().BytesUpstream > heard; reached != test.reaches {
				t.Errorf("the server heard the client: %v, want %v", reached, test.reaches)
			}

			p.Thaw()
			read(t, client, "held back")
			exchange(t, client, "after")
		})
	}
}

// TestFreezeHidesTheEnd checks that a client does not learn of a server that
// closes behind a lost route.
func TestFreezeHidesTheEnd(t *testing.T) {
	server := listen(t)
	p := New(t, server.Addr().String())
	client := connect(t, p)
	accepted, err := server.Accept()
	if err != nil {
		t.Fatal(err)
	}
	p.Freeze()
	if err := accepted.Close(); err != nil {
		t.Fatal(err)
	}
	requireSilence(t, client)
	p.Thaw()
	if rest, err := io.ReadAll(client); err != nil || len(rest) != 0 {
		t.Errorf("after the thaw: got %q, %v, want the end", rest, err)
	}
}

func TestCutWhileFrozen(t *testing.T) {
	p := New(t, echoServer(t))
	client := connect(t, p)
	exchange(t, client, "before")
	p.Freeze()
	write(t, client, "lost")
	p.Cut()
	requireReset(t, client)
}

// TestConcurrentUse is for the race detector.
func TestConcurrentUse(t *testing.T) {
	p := New(t, echoServer(t))
	var users sync.WaitGroup
	for range 4 {
		users.Go(func() {
			for range 25 {
				client, err := net.Dial("tcp", p.Addr())
				if err != nil {
					continue // refused or cut
				}
				_, _ = client.Write([]byte("x")) // may be cut at any time
				p.Freeze()
				p.Refuse(true)
				p.Refuse(false)
				p.Cut()
				p.Thaw()
				_ = client.Close()
			}
		})
	}
	users.Wait()
	eventually(t, "no connection is left", func() bool { return p.Open() == 0 })
	exchange(t, connect(t, p), "still works")
}

// echoServer sends back what it gets, and closes when its client does.
func echoServer(t *testing.T) string {
	t.Helper()
	server := listen(t)
	var connections sync.WaitGroup
	connections.Go(func() {
		for {
			conn, err := server.Accept()
			if err != nil {
				return
			}
			connections.Go(func() {
				_, _ = io.Copy(conn, conn)
				_ = conn.Close()
			})
		}
	})
	t.Cleanup(func() {
		_ = server.Close()
		connections.Wait()
	})
	return server.Addr().String()
}

func listen(t *testing.T) net.Listener {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	return listener
}

func connect(t *testing.T, p *Proxy) *net.TCPConn {
	t.Helper()
	conn, err := net.Dial("tcp", p.Addr())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	if err := conn.SetDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	return conn.(*net.TCPConn)
}

func exchange(t *testing.T, conn net.Conn, text string) {
	t.Helper()
	write(t, conn, text)
	read(t, conn, text)
}

func write(t *testing.T, conn net.Conn, text string) {
	t.Helper()
	if _, err := conn.Write([]byte(text)); err != nil {
		t.Fatalf("write %q: %v", text, err)
	}
}

func read(t *testing.T, conn net.Conn, want string) {
	t.Helper()
	got := make([]byte, len(want))
	if _, err := io.ReadFull(conn, got); err != nil || string(got) != want {
		t.Fatalf("read %q, %v, want %q", got, err, want)
	}
}

// requireRefused checks that a new connection is reset: as early as connecting
// may tell, or else the first read.
func requireRefused(t *testing.T, p *Proxy) {
	t.Helper()
	conn, err := net.Dial("tcp", p.Addr())
	if err == nil {
		defer conn.Close()
		if err := conn.SetDeadline(time.Now().Add(patience)); err != nil {
			t.Fatal(err)
		}
		_, err = conn.Read(make([]byte, 1))
	}
	if !errors.Is(err, syscall.ECONNRESET) {
		t.Errorf("a new connection: got error %v, want a reset", err)
	}
}

func requireReset(t *testing.T, conn net.Conn) {
	t.Helper()
	if _, err := conn.Read(make([]byte, 1)); !errors.Is(err, syscall.ECONNRESET) {
		t.Errorf("read: got error %v, want a reset connection", err)
	}
}

func requireSilence(t *testing.T, conn net.Conn) {
	t.Helper()
	if err := conn.SetReadDeadline(time.Now().Add(silence)); err != nil {
		t.Fatal(err)
	}
	var timeout net.Error
	if n, err := conn.Read(make([]byte, 1)); !errors.As(err, &timeout) || !timeout.Timeout() {
		t.Errorf("read: got %d bytes, %v, want silence", n, err)
	}
	if err := conn.SetReadDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
}

func eventually(t *testing.T, what string, condition func() bool) {
	t.Helper()
	deadline := time.After(patience)
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for !condition() {
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatalf("not within %v: %s", patience, what)
		}
	}
}
