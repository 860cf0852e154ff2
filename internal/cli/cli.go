package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/mqrpc/mqrpc/runtime"
)

// The exit codes of the program.
const (
	exitOK = iota
	exitFailure
	exitUsage
)

// Main runs the program and returns its exit code. The services are those that
// the gateway routes to.
//
// SIGINT and SIGTERM stop it gracefully; a second one kills it.
func Main(services ...*runtime.Service) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop)
	return run(ctx, environment{
		args:     os.Args[1:],
		out:      os.Stdout,
		err:      os.Stderr,
		environ:  os.Environ,
		services: services,
	})
}

// environment is what a run of the program takes from outside.
type environment struct {
	args     []string
	out, err io.Writer
	environ  func() []string
	services []*runtime.Service
}

func run(ctx context.Context, env environment) int {
	root := newRoot(env)
	root.SetArgs(env.args)
	root.SetOut(env.out)
	root.SetErr(env.err)
	err := root.ExecuteContext(ctx)
	var usage *usageError
	switch {
	case err == nil:
		return exitOK
	case errors.As(err, &usage):
		_, _ = fmt.Fprintf(env.err, "mqrpc: %v\nRun it with --help to see what it takes.\n", err)
		return exitUsage
	default:
		_, _ = fmt.Fprintf(env.err, "mqrpc: %v\n", err)
		return exitFailure
	}
}

func newRoot(env environment) *cobra.Command {
	root := &cobra.Command{
		Use:           "mqrpc",
		Short:         "Contract-first RPC over RabbitMQ",
		SilenceErrors: true,
		SilenceUsage:  true,
	}
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return &usageError{err} })
	root.AddCommand(newGatewayCommand(env), newDemoCommand(), newDemoWorkerCommand(), newVersionCommand())
	return root
}

// usageError is a mistake in the command line.
type usageError struct{ cause error }

// Error is the text of the cause.
func (e *usageError) Error() string { return e.cause.Error() }

// Unwrap is the cause.
func (e *usageError) Unwrap() error { return e.cause }
