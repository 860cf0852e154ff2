package zookeeper

import (
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"path"
	"strings"
	"time"

	"github.com/go-zookeeper/zk"
)

// Config says how to reach ZooKeeper. Only Servers is required.
type Config struct {
	// Servers are the addresses of one server or of the members of one
	// ensemble, as host:2181.
	Servers []string
	// Root is the node that everything is below. It is made when something is
	// saved. Default: "/mqrpc/registry".
	Root string
	// Username and Password are shown to the servers by the scheme "digest".
	// Default: none.
	Username, Password string
	// ACL is what new nodes get. Default: with a Username all permissions for
	// this user and none for others, else all for everybody.
	ACL []zk.ACL
	// TLS, if not nil, is used for every connection.
	TLS *tls.Config
	// SessionTimeout is for how long a silent connection counts as alive. The
	// servers have limits of their own for it. Default: 10 s.
	SessionTimeout time.Duration
	// Timeout bounds every operation. Default: 5 s.
	Timeout time.Duration
	// Logger takes what happens to the connection. Default: slog.Default().
	Logger *slog.Logger
}

// The defaults of a [Config].
const (
	DefaultRoot           = "/mqrpc/registry"
	DefaultSessionTimeout = 10 * time.Second
	DefaultTimeout        = 5 * time.Second
)

func (c Config) withDefaults() (Config, error) {
	if len(c.Servers) == 0 {
		return c, errors.New("zookeeper: no servers are configured: give one such as localhost:2181")
	}
	for i, server := range c.Servers {
		if server == "" || strings.ContainsAny(server, "/@") {
			return c, fmt.Errorf("zookeeper: server %d of %d must have the form host:port", i+1, len(c.Servers))
		}
	}
	if (c.Username == "") != (c.Password == "") {
		return c, errors.New("zookeeper: Username and Password are set both or none")
	}
	if strings.Contains(c.Username, ":") {
		return c, errors.New("zookeeper: Username must not hold a colon")
	}
	if c.Root == "" {
		c.Root = DefaultRoot
	}
	c.Root = path.Clean("/" + c.Root)
	switch {
	case c.ACL != nil:
	case c.Username != "":
		c.ACL = zk.DigestACL(zk.PermAll, c.Username, c.Password)
	default:
		c.ACL = zk.WorldACL(zk.PermAll)
	}
	if c.SessionTimeout <= 0 {
		c.SessionTimeout = DefaultSessionTimeout
	}
	if c.Timeout <= 0 {
		c.Timeout = DefaultTimeout
	}
	if c.Logger == nil {
		c.Logger = slog.Default()
	}
	return c, nil
}
