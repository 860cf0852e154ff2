package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"time"

	"github.com/spf13/cobra"

	"github.com/mqrpc/mqrpc/runtime"
	"github.com/mqrpc/mqrpc/runtime/transport"
)

// busStopTimeout bounds the end of a command's connection.
const busStopTimeout = 5 * time.Second

// bus is the connection of a command that makes calls and ends.
type bus struct {
	transport transport.Transport
	client    *runtime.Client
}

// openBus connects. Unlike a gateway, it does not outwait an outage: it fails
// with the first try.
func openBus(ctx context.Context, env environment, broker brokerSettings, logger *slog.Logger) (*bus, error) {
	conn, err := env.dial(broker, logger)
	if err != nil {
		return nil, err
	}
	if err := awaitConnection(ctx, conn); err != nil {
		return nil, errors.Join(fmt.Errorf("no connection to the broker: %w; --amqp-url says where it is", err),
			closeWithin(busStopTimeout, conn.Close))
	}
	return &bus{
		transport: conn,
		client:    runtime.NewClient(conn, runtime.ClientConfig{Logger: logger}),
	}, nil
}

func (b *bus) close() error {
	return errors.Join(closeWithin(busStopTimeout, b.client.Close), closeWithin(busStopTimeout, b.transport.Close))
}

// awaitConnection waits for the end of the first try to connect.
func awaitConnection(ctx context.Context, conn transport.Transport) error {
	states := make(chan transport.State, 1)
	stop := conn.Watch(func(state transport.State) {
		untried := state.Err == transport.ErrDisconnected //nolint:errorlint // Alone it says that nothing was tried yet.
		if state.Connected || !untried {
			select {
			case states <- state:
			default:
			}
		}
	})
	defer stop()
	select {
	case state := <-states:
		return state.Err
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// commandLogger is the logger of a command that prints a result: silent, unless
// the command is to be verbose.
func commandLogger(out io.Writer, verbose bool) *slog.Logger {
	if !verbose {
		return slog.New(slog.DiscardHandler)
	}
	return slog.New(slog.NewTextHandler(out, &slog.HandlerOptions{Level: slog.LevelWarn}))
}

// addOptions defines options as flags that may also be environment variables.
// They get their values with load.
func addOptions(command *cobra.Command, options []option) {
	for _, o := range options {
		o.addTo(command.Flags())
	}
}
