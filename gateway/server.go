package gateway

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"time"
)

// The defaults of a [ServerConfig].
const (
	DefaultHeaderTimeout  = 5 * time.Second
	DefaultIdleTimeout    = 2 * time.Minute
	DefaultStopTimeout    = 15 * time.Second
	DefaultMaxHeaderBytes = 64 << 10
)

// ServerConfig says how a gateway is served. The zero value is its default.
type ServerConfig struct {
	// HeaderTimeout is how long a client may take to send a request's headers.
	// Zero: DefaultHeaderTimeout.
	HeaderTimeout time.Duration
	// IdleTimeout is how long a connection is kept between requests. Zero:
	// DefaultIdleTimeout.
	IdleTimeout time.Duration
	// MaxHeaderBytes is the greatest size of a request's headers. Zero:
	// DefaultMaxHeaderBytes.
	MaxHeaderBytes int
	// DrainTime is how long the server goes on after /readyz has turned 503, so
	// that load balancers notice before it refuses connections. Zero: not at
	// all.
	DrainTime time.Duration
	// StopTimeout is how long requests under way may take to finish after that.
	// Zero: DefaultStopTimeout.
	StopTimeout time.Duration
}

func (c ServerConfig) withDefaults() (ServerConfig, error) {
	if c.DrainTime < 0 {
		return c, fmt.Errorf("gateway: ServerConfig.DrainTime is %v, less than zero", c.DrainTime)
	}
	return c, errors.Join(
		setDefault("ServerConfig.HeaderTimeout", &c.HeaderTimeout, DefaultHeaderTimeout),
		setDefault("ServerConfig.IdleTimeout", &c.IdleTimeout, DefaultIdleTimeout),
		setDefault("ServerConfig.MaxHeaderBytes", &c.MaxHeaderBytes, DefaultMaxHeaderBytes),
		setDefault("ServerConfig.StopTimeout", &c.StopTimeout, DefaultStopTimeout),
	)
}

// Serve serves the gateway on the listener until ctx ends, and then stops
// gracefully: /readyz turns 503, the listener closes, requests under way finish.
// Those that take longer than StopTimeout are cut off, which is an error.
//
// It returns nil after a graceful stop, and owns the listener.
func (g *Gateway) Serve(ctx context.Context, listener net.Listener, config ServerConfig) error {
	config, err := config.withDefaults()
	if err != nil {
		return errors.Join(err, listener.Close())
	}
	server := g.newServer(config)
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	select {
	case err := <-served:
		return fmt.Errorf("gateway: serving on %s: %w", listener.Addr(), err)
	case <-ctx.Done():
	}
	g.Drain()
	if config.DrainTime > 0 {
		select {
		case err := <-served:
			return fmt.Errorf("gateway: serving on %s: %w", listener.Addr(), err)
		case <-time.After(config.DrainTime):
		}
	}
	err = shutDown(server, config.StopTimeout)
	if ended := <-served; !errors.Is(ended, http.ErrServerClosed) {
		err = errors.Join(err, ended)
	}
	return err
}

func (g *Gateway) newServer(config ServerConfig) *http.Server {
	return &http.Server{
		Handler:           g,
		ReadHeaderTimeout: config.HeaderTimeout,
		// A call's body has a deadline of its own; this one is for bodies that
		// nobody reads.
		ReadTimeout:    config.HeaderTimeout + g.config.Timeouts.Body,
		IdleTimeout:    config.IdleTimeout,
		MaxHeaderBytes: config.MaxHeaderBytes,
		// There is no WriteTimeout, since it counts from the request's arrival
		// and calls take as long as their methods may. Each response sets its
		// own deadline when it begins.
		ErrorLog: slog.NewLogLogger(g.config.Logger.Handler(), slog.LevelWarn),
	}
}

// shutDown lets requests under way finish, for so long.
func shutDown(server *http.Server, timeout time.Duration) error {
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	defer cancel()
	err := server.Shutdown(ctx)
	if errors.Is(err, context.DeadlineExceeded) {
		return errors.Join(fmt.Errorf("gateway: requests were still under way %s after the stop and are cut off", timeout), server.Close())
	}
	return err
}
