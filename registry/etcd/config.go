package etcd

import (
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"strings"
	"time"
)

// Config says how to reach etcd. Only Endpoints is required.
type Config struct {
	// Endpoints are the addresses of one server or of the members of one
	// cluster, as http://host:2379, https://… or host:2379.
	Endpoints []string
	// Prefix is what all keys begin with. Default: "/mqrpc/registry/". A slash
	// at its end is added.
	Prefix string
	// Username and Password are those of an etcd user with the permission to
	// read, and to write if it is to, all keys with the prefix. Default: none.
	Username, Password string
	// TLS is used for https endpoints; set its certificates for client
	// authentication. Nil: the system's roots.
	TLS *tls.Config
	// Timeout bounds every operation. Default: 5 s.
	Timeout time.Duration
	// Logger takes what happens to watches. Default: slog.Default().
	Logger *slog.Logger
}

// The defaults of a [Config].
const (
	DefaultPrefix  = "/mqrpc/registry/"
	DefaultTimeout = 5 * time.Second
)

func (c Config) withDefaults() (Config, error) {
	if len(c.Endpoints) == 0 {
		return c, errors.New("etcd: no endpoints are configured: give one such as http://localhost:2379")
	}
	for i, endpoint := range c.Endpoints {
		if parsed, err := url.Parse(endpoint); err == nil && parsed.User != nil {
			return c, fmt.Errorf("etcd: endpoint %d of %d holds a user: set Username and Password", i+1, len(c.Endpoints))
		}
	}
	if (c.Username == "") != (c.Password == "") {
		return c, errors.New("etcd: Username and Password are set both or none")
	}
	if c.Prefix == "" {
		c.Prefix = DefaultPrefix
	}
	c.Prefix = strings.TrimSuffix(c.Prefix, "/") + "/"
	if c.Timeout <= 0 {
		c.Timeout = DefaultTimeout
	}
	if c.Logger == nil {
		c.Logger = slog.Default()
	}
	return c, nil
}
