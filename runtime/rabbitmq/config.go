package rabbitmq

import (
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"
)

// Config says how to reach the broker. Only URLs is required.
type Config struct {
	// URLs are the addresses of one broker or of the nodes of one cluster, as
	// amqp://user:password@host:5672/vhost or amqps://…. They are tried in
	// turn, beginning with a random one so that a fleet spreads over a cluster.
	URLs []string
	// TLS is used for amqps URLs; set its certificates for client
	// authentication. Nil: the system's roots and the URL's host name.
	TLS *tls.Config
	// Name is shown in RabbitMQ's list of connections. Default: the program's
	// name and process id.
	Name string
	// Heartbeat is the interval of AMQP heartbeats; a silent connection is
	// given up after three of them. Default: 10 s.
	Heartbeat time.Duration
	// DialTimeout bounds one try to connect, with the TLS and AMQP handshakes.
	// Default: 5 s.
	DialTimeout time.Duration
	// MaxBackoff bounds the wait between two rounds of tries over all URLs. The
	// wait begins at a tenth of it, grows, and is spread randomly. Default:
	// 500 ms.
	MaxBackoff time.Duration
	// Grace is the length of an outage during which messages wait for the
	// reconnect instead of failing. Default: 1 s. Negative: none.
	Grace time.Duration
	// MaxBacklog bounds the bytes of messages that wait to be sent. Default:
	// 256 MiB.
	MaxBacklog int
	// Logger gets one line for each change of the connection. Default:
	// slog.Default().
	Logger *slog.Logger
}

const (
	defaultHeartbeat   = 10 * time.Second
	defaultDialTimeout = 5 * time.Second
	defaultMaxBackoff  = 500 * time.Millisecond
	defaultGrace       = time.Second
	defaultMaxBacklog  = 256 << 20
)

func (c Config) withDefaults() Config {
	if c.Name == "" {
		c.Name = filepath.Base(os.Args[0]) + "-" + strconv.Itoa(os.Getpid())
	}
	if c.Heartbeat <= 0 {
		c.Heartbeat = defaultHeartbeat
	}
	if c.DialTimeout <= 0 {
		c.DialTimeout = defaultDialTimeout
	}
	if c.MaxBackoff <= 0 {
		c.MaxBackoff = defaultMaxBackoff
	}
	switch {
	case c.Grace == 0:
		c.Grace = defaultGrace
	case c.Grace < 0:
		c.Grace = 0
	}
	if c.MaxBacklog <= 0 {
		c.MaxBacklog = defaultMaxBacklog
	}
	if c.Logger == nil {
		c.Logger = slog.Default()
	}
	return c
}

// address is one broker URL, with a form that is safe to log.
type address struct {
	url      string
	readable string // host:port/vhost, without credentials
	user     string
}

func parseAddresses(urls []string) ([]address, error) {
	if len(urls) == 0 {
		return nil, errors.New("rabbitmq: no URLs are configured: give one such as amqp://guest:guest@localhost:5672/")
	}
	addresses := make([]address, 0, len(urls))
	for i, text := range urls {
		uri, err := amqp.ParseURI(text)
		if err != nil {
			return nil, fmt.Errorf("rabbitmq: URL %d of %d is not a valid AMQP URL: %w", i+1, len(urls), withoutURL(err))
		}
		addresses = append(addresses, address{
			url:      text,
			readable: net.JoinHostPort(uri.Host, strconv.Itoa(uri.Port)) + "/" + url.PathEscape(uri.Vhost),
			user:     uri.Username,
		})
	}
	return addresses, nil
}

// withoutURL takes the URL out of a parser's error: it may hold a password.
func withoutURL(err error) error {
	if urlError, ok := errors.AsType[*url.Error](err); ok {
		return urlError.Err
	}
	return err
}
