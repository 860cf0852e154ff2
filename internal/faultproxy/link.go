package faultproxy

import (
	"errors"
	"io"
	"net"
	"sync"
)

// link is one client's connection and the one to the server that it is passed
// on to.
type link struct {
	client, server net.Conn

	once  sync.Once
	ended chan struct{}
}

func newLink(client, server net.Conn) *link {
	return &link{client: client, server: server, ended: make(chan struct{})}
}

// direction is one half of a link.
type direction struct {
	from, to net.Conn
	gate     *gate
	count    func(bytes int)
}

// run passes bytes on, both ways, until both ends have closed or one is reset.
func (l *link) run(upstream, downstream direction) {
	var halves sync.WaitGroup
	for _, d := range []direction{upstream, downstream} {
		halves.Go(func() { l.copy(d) })
	}
	halves.Wait()
	_ = l.client.Close()
	_ = l.server.Close()
}

// copy passes one direction's bytes on, and then how the sender ended: a close
// as a close, anything else as a reset.
func (l *link) copy(d direction) {
	buffer := make([]byte, 32<<10)
	for {
		n, readErr := d.from.Read(buffer)
		if !d.gate.pass(l.ended) {
			return
		}
		if n > 0 {
			d.count(n) // first, so that who gets the bytes finds them counted
			if _, err := d.to.Write(buffer[:n]); err != nil {
				l.reset()
				return
			}
		}
		switch {
		case readErr == nil:
		case errors.Is(readErr, io.EOF):
			closeWrite(d.to)
			return
		default:
			l.reset()
			return
		}
	}
}

// reset ends both connections without a farewell.
func (l *link) reset() {
	l.once.Do(func() {
		close(l.ended)
		reset(l.client)
		reset(l.server)
	})
}

func closeWrite(conn net.Conn) {
	if tcp, ok := conn.(*net.TCPConn); ok {
		_ = tcp.CloseWrite()
	}
}

// reset closes a connection so that its peer sees RST instead of FIN.
func reset(conn net.Conn) {
	if tcp, ok := conn.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0)
	}
	_ = conn.Close()
}
