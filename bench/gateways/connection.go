package gateways

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"net"
	"net/http"
	"time"

	"github.com/valyala/fasthttp"
)

// connection sends one request over and over, each when the last is answered.
// It is used by one goroutine.
type connection struct {
	net.Conn

	request  []byte // as a whole: header and body
	reader   *bufio.Reader
	response fasthttp.Response
	check    func(body []byte) error
	want     []byte // the first answer, which has been checked
}

// connect returns a connection that works until a deadline.
func connect(ctx context.Context, address string, deadline time.Time, request []byte, check func(body []byte) error) (*connection, error) {
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", address)
	if err != nil {
		return nil, err
	}
	if err := conn.SetDeadline(deadline); err != nil {
		return nil, err
	}
	return &connection{Conn: conn, request: request, reader: bufio.NewReader(conn), check: check}, nil
}

// exchange sends the request and checks the answer: the first by what the
// answer must be, all others by the first, byte for byte.
func (c *connection) exchange() error {
	if _, err := c.Write(c.request); err != nil {
		return err
	}
	if err := c.response.Read(c.reader); err != nil {
		return fmt.Errorf("reading the response: %w", err)
	}
	body := c.response.Body()
	switch {
	case c.response.StatusCode() != http.StatusOK:
		return fmt.Errorf("the gateway has answered %d: %.300s", c.response.StatusCode(), body)
	case c.want != nil && !bytes.Equal(body, c.want):
		return fmt.Errorf("an answer differs from the first one: %.300s", body)
	case c.want == nil:
		if err := c.check(body); err != nil {
			return fmt.Errorf("the first answer is wrong: %w: %.300s", err, body)
		}
		c.want = bytes.Clone(body)
	}
	return nil
}
