package rabbitmq

import (
	"net"
	"sync"
	"sync/atomic"
	"time"
)

// corked is a network connection that can hold back what is written to it, so
// that many frames leave in one system call. amqp091 writes every message and
// every acknowledgement by itself.
type corked struct {
	net.Conn

	mu   sync.Mutex
	cork bool
	held []byte

	// deadline is that of reads, in nanoseconds since 1970. amqp091 moves it with
	// every frame that it reads.
	deadline atomic.Int64
}

// deadlineGrain is how much earlier than asked for reads may end.
const deadlineGrain = 50 * time.Millisecond

// SetReadDeadline implements net.Conn.
func (c *corked) SetReadDeadline(t time.Time) error {
	at := t.UnixNano()
	later := time.Duration(at - c.deadline.Load())
	if 0 <= later && later < deadlineGrain {
		return nil
	}
	c.deadline.Store(at)
	return c.Conn.SetReadDeadline(t)
}

// SetDeadline implements net.Conn.
func (c *corked) SetDeadline(t time.Time) error {
	defer c.deadline.Store(0)
	return c.Conn.SetDeadline(t)
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

// flush writes what was held back and ends that.
func (c *corked) flush() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.cork = false
	return c.release()
}

func (c *corked) release() error {
	if len(c.held) == 0 {
		return nil
	}
	_, err := c.Conn.Write(c.held)
	c.held = c.held[:0]
	return err
}
