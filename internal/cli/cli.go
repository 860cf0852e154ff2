package cli

import (
	"context"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"syscall"

	"github.com/mattn/go-isatty"
	"github.com/spf13/cobra"

	"github.com/mqrpc/mqrpc/runtime/transport"
)

// Main runs the program and returns its exit code.
//
// SIGINT and SIGTERM stop it gracefully; a second one kills it.
func Main() int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop)
	return run(ctx, environment{
		args:     os.Args[1:],
		in:       os.Stdin,
		terminal: isatty.IsTerminal(os.Stdin.Fd()),
		out:      shown(os.Stdout),
		err:      shown(os.Stderr),
		environ:  os.Environ,
	})
}

// environment is what a run of the program takes from outside.
type environment struct {
	args     []string
	in       io.Reader
	terminal bool // whether in is a person's
	out, err io.Writer
	environ  func() []string
	// connect replaces the connection to RabbitMQ; nil: it does not.
	connect func() transport.Transport
}

// dial returns a transport that connects in the background.
func (e environment) dial(broker brokerSettings, logger *slog.Logger) (transport.Transport, error) {
	if e.connect != nil {
		return e.connect(), nil
	}
	conn, err := broker.connect(logger)
	if err != nil {
		return nil, err // not a nil *Transport in an interface
	}
	return conn, nil
}

func run(ctx context.Context, env environment) int {
	root := newRoot(env)
	root.SetArgs(env.args)
	root.SetOut(env.out)
	root.SetErr(env.err)
	return report(env.err, root.ExecuteContext(ctx))
}

func newRoot(env environment) *cobra.Command {
	root := &cobra.Command{
		Use:           "mqrpc",
		Short:         "Contract-first RPC over RabbitMQ",
		SilenceErrors: true,
		SilenceUsage:  true,
	}
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return &usageError{err} })
	root.AddCommand(
		newGatewayCommand(env),
		newCallCommand(env),
		newListCommand(env),
		newDescribeCommand(env),
		newAPICommand(env),
		newDemoCommand(),
		newDemoWorkerCommand(),
		newVersionCommand(),
	)
	return root
}
