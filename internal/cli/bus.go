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
)

// busStopTimeout bounds the end of a command's connection.
const busStopTimeout = 5 * time.Second

// bus is the connection of a command that makes calls and ends.
type bus struct {
	transport runtime.Transport
	client    *runtime.Client
}

// openBus connects. Unlike a gateway, it does not outwait an outage: it fails
// with the first try.
func openBus(ctx context.Context, env environment, broker brokerSettings, logger *slog.Logger) (*bus, error) {
	transport, err := env.dial(broker, logger)
	if err != nil {
		return nil, err
	}
	if err := awaitConnection(ctx, transport); err != nil {
		return nil, errors.Join(fmt.Errorf("no connection to the broker: %w; --amqp-url says where it is", err),
			closeWithin(busStopTimeout, transport.Close))
	}
	return &bus{
		transport: transport,
		client:    runtime.NewClient(transport, runtime.ClientConfig{Logger: logger}),
	}, nil
}

func (b *bus) close() error {
	return errors.Join(closeWithin(busStopTimeout, b.client.Close), closeWithin(busStopTimeout, b.transport.Close))
}

// awaitConnection waits for the end of the first try to connect.
func awaitConnection(ctx context.Context, transport runtime.Transport) error {
	states := make(chan runtime.State, 1)
	stop := transport.Watch(func(state runtime.State) {
		untried := state.Err == runtime.ErrDisconnected //nolint:errorlint // Alone it says that nothing was tried yet.
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
