package httpload

import (
	"errors"
	"fmt"
	"io"
	"net/netip"
	"time"

	"golang.org/x/sys/unix"
)

// leastRead is the room for what arrives.
const leastRead = 4 << 10

// conn is one connection with at most one request under way.
type conn struct {
	fd      int
	request []byte
	unsent  []byte    // what is left of the request under way
	began   time.Time // when that was begun
	input   []byte    // what has arrived of its response
	answer  response  // the last one that was whole
}

// dial connects and makes the socket non-blocking.
func dial(address netip.AddrPort, request []byte) (*conn, error) {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("socket: %w", err)
	}
	c := &conn{fd: fd, request: request}
	err = unix.Connect(fd, &unix.SockaddrInet4{Port: int(address.Port()), Addr: address.Addr().As4()})
	if err == nil {
		err = unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_NODELAY, 1)
	}
	if err == nil {
		err = unix.SetNonblock(fd, true)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("connecting to %s: %w", address, err), c.close())
	}
	return c, nil
}

func (c *conn) close() error { return unix.Close(c.fd) }

// begin begins the next request. The previous one has been answered.
func (c *conn) begin(now time.Time) error {
	c.unsent, c.began = c.request, now
	return c.send()
}

// send writes as much as the socket takes.
func (c *conn) send() error {
	for len(c.unsent) > 0 {
		n, err := unix.Write(c.fd, c.unsent)
		switch {
		case errors.Is(err, unix.EAGAIN):
			return nil
		case errors.Is(err, unix.EINTR):
		case err != nil:
			return fmt.Errorf("writing a request: %w", err)
		default:
			c.unsent = c.unsent[n:]
		}
	}
	return nil
}

// receive reads what has arrived. It returns a response once that is whole,
// valid until the next call, and else whether there may be more to read.
func (c *conn) receive() (answer *response, progress bool, err error) {
	if cap(c.input)-len(c.input) < leastRead {
		c.input = append(make([]byte, 0, 2*cap(c.input)+leastRead), c.input...)
	}
	n, err := unix.Read(c.fd, c.input[len(c.input):cap(c.input)])
	switch {
	case errors.Is(err, unix.EAGAIN):
		return nil, false, nil
	case errors.Is(err, unix.EINTR):
		return nil, true, nil
	case err != nil:
		return nil, false, fmt.Errorf("reading a response: %w", err)
	case n == 0:
		return nil, false, fmt.Errorf("reading a response: %w", io.ErrUnexpectedEOF)
	}
	c.input = c.input[:len(c.input)+n]
	length, err := c.answer.cut(c.input)
	switch {
	case err != nil:
		return nil, false, err
	case length == 0:
		return nil, true, nil
	case length != len(c.input):
		return nil, false, fmt.Errorf("%d bytes follow a response that nobody has asked for", len(c.input)-length)
	}
	c.input = c.input[:0]
	return &c.answer, false, nil
}
