package httpload

import (
	"bytes"
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"time"

	"golang.org/x/sys/unix"

	"github.com/mqrpc/mqrpc/bench/load"
)

// stuckAfter bounds the time without any answer.
const stuckAfter = 15 * time.Second

// Config says what to load.
type Config struct {
	// Address is the server's, of IPv4.
	Address netip.AddrPort
	// Request is a whole HTTP/1.1 request, header and body.
	Request []byte
	// Connections is the number of requests under way at any moment.
	Connections int
	// Check is called with the body of the first answer, whose status is 200.
	// All later answers must have the same body, byte for byte.
	Check func(body []byte) error
}

// Load is a loader that is connected. It is used by one goroutine.
type Load struct {
	config    Config
	epoll     int
	conns     map[int32]*conn
	underWay  int    // requests without their answer
	want      []byte // the first answer
	histogram *load.Histogram
	finishing bool
}

// Start connects and begins a request on each connection.
func Start(config Config) (*Load, error) {
	epoll, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return nil, fmt.Errorf("epoll: %w", err)
	}
	l := &Load{config: config, epoll: epoll, conns: map[int32]*conn{}}
	for range config.Connections {
		if err := l.connect(); err != nil {
			return nil, errors.Join(err, l.Close())
		}
	}
	return l, nil
}

func (l *Load) connect() error {
	c, err := dial(l.config.Address, l.config.Request)
	if err != nil {
		return err
	}
	key := int32(c.fd) //nolint:gosec // descriptors are small
	l.conns[key] = c
	event := unix.EpollEvent{Fd: key, Events: unix.EPOLLIN | unix.EPOLLOUT | unix.EPOLLRDHUP | unix.EPOLLET}
	if err := unix.EpollCtl(l.epoll, unix.EPOLL_CTL_ADD, c.fd, &event); err != nil {
		return fmt.Errorf("epoll: %w", err)
	}
	l.underWay++
	return c.begin(time.Now())
}

// Close closes the connections.
func (l *Load) Close() error {
	errs := []error{unix.Close(l.epoll)}
	for _, c := range l.conns {
		errs = append(errs, c.close())
	}
	return errors.Join(errs...)
}

// For goes on for some time and returns the number of answers in it, and the
// time that it has taken. The latencies, from the first byte of a request to the
// last of its answer, go into the histogram unless it is nil.
func (l *Load) For(d time.Duration, histogram *load.Histogram) (answers uint64, took time.Duration, err error) {
	var before uint64
	if l.histogram = histogram; histogram != nil {
		before = histogram.Count()
	}
	begin := time.Now()
	for now := begin; now.Before(begin.Add(d)); {
		if now, err = l.turn(); err != nil {
			return 0, 0, err
		}
		took = now.Sub(begin)
	}
	if histogram != nil {
		answers = histogram.Count() - before
	}
	return answers, took, nil
}

// Finish begins no further request and waits for the answers to those under
// way.
func (l *Load) Finish() error {
	l.finishing = true
	for l.underWay > 0 {
		if _, err := l.turn(); err != nil {
			return err
		}
	}
	return nil
}

// turn serves the connections that are ready and returns the time then.
func (l *Load) turn() (time.Time, error) {
	var events [64]unix.EpollEvent
	n, err := unix.EpollWait(l.epoll, events[:], int(stuckAfter.Milliseconds()))
	switch {
	case errors.Is(err, unix.EINTR):
		return time.Now(), nil
	case err != nil:
		return time.Time{}, fmt.Errorf("epoll: %w", err)
	case n == 0:
		return time.Time{}, fmt.Errorf("the server has not answered for %s", stuckAfter)
	}
	for _, event := range events[:n] {
		if err := l.serve(l.conns[event.Fd]); err != nil {
			return time.Time{}, err
		}
	}
	return time.Now(), nil
}

// serve goes on with a connection until it would have to wait.
func (l *Load) serve(c *conn) error {
	if err := c.send(); err != nil {
		return err
	}
	for {
		answer, progress, err := c.receive()
		switch {
		case err != nil:
			return err
		case answer != nil:
			return l.answered(c, answer)
		case !progress:
			return nil
		}
	}
}

// answered checks an answer and begins the connection's next request.
func (l *Load) answered(c *conn, answer *response) error {
	now := time.Now()
	switch {
	case answer.status != http.StatusOK:
		return fmt.Errorf("the server has answered %d: %.300s", answer.status, answer.body)
	case l.want == nil:
		if err := l.config.Check(answer.body); err != nil {
			return fmt.Errorf("the first answer is wrong: %w: %.300s", err, answer.body)
		}
		l.want = bytes.Clone(answer.body)
	case !bytes.Equal(answer.body, l.want):
		return fmt.Errorf("an answer differs from the first one: %.300s", answer.body)
	}
	if l.histogram != nil {
		l.histogram.Record(now.Sub(c.began))
	}
	if l.finishing {
		l.underWay--
		return nil
	}
	return c.begin(now)
}
