package rabbitmq

import (
	"net"
	"sync"
	"syscall"
	"time"
)

// corked is a network connection that can hold back what is written to it, so
// that many frames leave in one system call. amqp091 writes every message and
// every acknowledgement by itself.
type corked struct {
	net.Conn

	raw       syscall.RawConn       // for flushNow; nil: there is none
	writeHeld func(fd uintptr) bool // writeOnce, which would be allocated for every call

	mu   sync.Mutex
	cork bool
	held []byte

	closed chan struct{}
	closes sync.Once
}

func newCorked(connection net.Conn) *corked {
	c := &corked{Conn: connection, closed: make(chan struct{})}
	if system, ok := connection.(syscall.Conn); ok {
		c.raw, _ = system.SyscallConn() // it works without
		c.writeHeld = c.writeOnce
	}
	return c
}

// deadlinePause is the time from one deadline for reads to the next, and so how
// much later than asked for reads may end.
const deadlinePause = 50 * time.Millisecond

// SetReadDeadline implements net.Conn, and then pauses. amqp091 moves the
// deadline with every frame that it reads, by a goroutine that it tells of every
// message that it writes, too: these would wake it each time, on their way.
func (c *corked) SetReadDeadline(t time.Time) error {
	if err := c.Conn.SetReadDeadline(t); err != nil {
		return err
	}
	timer := time.NewTimer(deadlinePause)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-c.closed:
	}
	return nil
}

// Close implements net.Conn.
func (c *corked) Close() error {
	c.closes.Do(func() { close(c.closed) })
	return c.Conn.Close()
}

// maxHeld is how much is held back, in bytes. What is larger does not gain from
// it.
const maxHeld = 256 << 10

// Write implements net.Conn.
func (c *corked) Write(p []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.cork && len(c.held)+len(p) <= maxHeld {
		c.held = append(c.held, p...)
		return len(p), nil
	}
	if err := c.release(); err != nil {
		return 0, err
	}
	return c.Conn.Write(p)
}

// hold begins to hold back what is written.
func (c *corked) hold() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.cork = true
}

// holdNow is hold where that takes no time: nobody writes, and nothing is held
// back that waits for the network.
func (c *corked) holdNow() bool {
	if !c.mu.TryLock() {
		return false
	}
	defer c.mu.Unlock()
	if len(c.held) > 0 {
		return false
	}
	c.cork = true
	return true
}

// flush writes what was held back and ends that.
func (c *corked) flush() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.cork = false
	return c.release()
}

// flushNow is flush as far as the network takes it at once. It reports whether
// that is all; the rest stays held back, for flush.
func (c *corked) flushNow() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.held) > 0 && (c.raw == nil || c.raw.Write(c.writeHeld) != nil) {
		return false
	}
	c.cork = len(c.held) > 0
	return !c.cork
}

// writeOnce writes what the system takes. It reports that there is no need to
// call it again.
func (c *corked) writeOnce(fd uintptr) bool {
	written := writeSocket(fd, c.held)
	c.held = append(c.held[:0], c.held[written:]...)
	return true
}

func (c *corked) release() error {
	if len(c.held) == 0 {
		return nil
	}
	_, err := c.Conn.Write(c.held)
	c.held = c.held[:0]
	return err
}
