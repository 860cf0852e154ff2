package rabbitmq

import (
	"bufio"
	"net"
	"sync"
)

// bufferedConn is a network connection that can collect what is written to it,
// so that many frames leave in one system call: amqp091 writes every message and
// every acknowledgement by itself.
type bufferedConn struct {
	net.Conn

	mu      sync.Mutex
	buffer  *bufio.Writer
	collect bool
}

const bufferSize = 64 << 10

func newBufferedConn(connection net.Conn) *bufferedConn {
	return &bufferedConn{Conn: connection, buffer: bufio.NewWriterSize(connection, bufferSize)}
}

// Write implements net.Conn.
func (c *bufferedConn) Write(p []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	n, err := c.buffer.Write(p)
	if err == nil && !c.collect {
		err = c.buffer.Flush()
	}
	return n, err
}

// hold begins to collect what is written.
func (c *bufferedConn) hold() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.collect = true
}

// flush writes what was collected, and ends that.
func (c *bufferedConn) flush() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.collect = false
	return c.buffer.Flush()
}
