package gateway

import (
	"errors"
	"net"
	"os"
	"sync"
	"time"
)

// thriftyListener accepts connections whose deadlines cost little.
//
// An HTTP server sets half a dozen deadlines for each request, nearly all later
// than the one before, and each is a timer to be moved. These connections leave
// the timer where it is as long as it is early enough, and look at the deadline
// that is wanted when it fires.
type thriftyListener struct{ net.Listener }

// Accept implements net.Listener.
func (l thriftyListener) Accept() (net.Conn, error) {
	connection, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return newThriftyConn(connection), nil
}

type thriftyConn struct {
	net.Conn

	read, write deadline
}

func newThriftyConn(connection net.Conn) *thriftyConn {
	return &thriftyConn{
		Conn:  connection,
		read:  deadline{arm: connection.SetReadDeadline},
		write: deadline{arm: connection.SetWriteDeadline},
	}
}

// Read implements net.Conn.
func (c *thriftyConn) Read(p []byte) (int, error) {
	for {
		n, err := c.Conn.Read(p)
		if n > 0 || err == nil || !c.read.early(err) {
			return n, err
		}
	}
}

// Write implements net.Conn.
func (c *thriftyConn) Write(p []byte) (int, error) {
	written := 0
	for {
		n, err := c.Conn.Write(p[written:])
		written += n
		if err == nil || !c.write.early(err) {
			return written, err
		}
	}
}

// CloseWrite ends the sending side, as the HTTP server does before it gives up a
// connection whose request it has not read to the end.
func (c *thriftyConn) CloseWrite() error {
	if half, ok := c.Conn.(interface{ CloseWrite() error }); ok {
		return half.CloseWrite()
	}
	return errors.ErrUnsupported
}

// SetReadDeadline implements net.Conn.
func (c *thriftyConn) SetReadDeadline(t time.Time) error { return c.read.set(t) }

// SetWriteDeadline implements net.Conn.
func (c *thriftyConn) SetWriteDeadline(t time.Time) error { return c.write.set(t) }

// SetDeadline implements net.Conn.
func (c *thriftyConn) SetDeadline(t time.Time) error {
	return errors.Join(c.read.set(t), c.write.set(t))
}

// deadline is the deadline of one direction.
type deadline struct {
	// arm sets it on the connection below.
	arm func(time.Time) error

	mu sync.Mutex
	// wanted is what was asked for, armed what the connection below has; zero:
	// none. armed is not later than wanted.
	wanted, armed time.Time
}

// rearm is when a timer fires for which there is no deadline: later ones are
// likely to come, and then it is early enough for them.
const rearm = time.Second

func (d *deadline) set(t time.Time) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.wanted = t
	if t.IsZero() && d.armed.IsZero() {
		return nil
	}
	now := time.Now()
	if d.armed.After(now) && (t.IsZero() || !d.armed.After(t)) {
		return nil
	}
	if t.IsZero() {
		t = now.Add(rearm)
	}
	d.armed = t
	return d.arm(t)
}

// early reports whether an error is that of a timer which fired before its
// time, and sets it to the deadline that is wanted.
func (d *deadline) early(err error) bool {
	if !errors.Is(err, os.ErrDeadlineExceeded) {
		return false
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if !d.wanted.IsZero() && !d.wanted.After(time.Now()) {
		return false
	}
	d.armed = d.wanted
	return d.arm(d.wanted) == nil
}
