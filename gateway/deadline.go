package gateway

import (
	"errors"
	"net"
	"sync"
	"time"
)

// thriftyListener accepts connections whose deadlines cost little.
//
// An HTTP server sets a dozen deadlines for each request, and to a network
// connection each is a timer to be moved and two looks at the clock. These
// connections have a timer of their own, which they leave where it is as long as
// it is early enough; when it fires they look at the deadline that is wanted.
// The connection below is told only of deadlines that have passed.
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
		read:  deadline{below: connection.SetReadDeadline},
		write: deadline{below: connection.SetWriteDeadline},
	}
}

// Close implements net.Conn.
func (c *thriftyConn) Close() error {
	c.read.stop()
	c.write.stop()
	return c.Conn.Close()
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
	// below sets it on the connection below.
	below func(time.Time) error

	mu     sync.Mutex
	wanted time.Time   // what was asked for; zero: none
	timer  *time.Timer // nil until the first deadline
	due    time.Time   // when the timer fires, or earlier; zero: it may not
	passed bool        // the connection below has a deadline, in the past
}

// past is a deadline that has passed.
var past = time.Unix(1, 0)

func (d *deadline) set(t time.Time) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.wanted = t
	if !t.IsZero() && (d.due.IsZero() || t.Before(d.due)) {
		return d.schedule()
	}
	return d.pass(false) // or the timer will tell
}

// schedule has the deadline that is wanted pass when it is time.
func (d *deadline) schedule() error {
	left := time.Until(d.wanted)
	if left <= 0 {
		return d.pass(true)
	}
	d.due = d.wanted
	if d.timer == nil {
		d.timer = time.AfterFunc(left, d.fire)
	} else {
		d.timer.Reset(left)
	}
	return d.pass(false)
}

// fire is what the timer does. It may come late, after the timer has been set
// anew, so it takes nothing for granted.
func (d *deadline) fire() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.due = time.Time{}
	if !d.wanted.IsZero() {
		_ = d.schedule() // It fails when the connection has been closed.
	}
}

// pass makes reads or writes fail from now on, or no longer.
func (d *deadline) pass(passed bool) error {
	if d.passed == passed {
		return nil
	}
	d.passed = passed
	if passed {
		return d.below(past)
	}
	return d.below(time.Time{})
}

// stop lets the timer go.
func (d *deadline) stop() {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.timer != nil {
		d.timer.Stop()
	}
}
