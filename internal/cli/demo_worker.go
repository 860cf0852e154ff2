package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"

	"github.com/spf13/cobra"

	"github.com/mqrpc/mqrpc/examples/wxapp/manager"
	wxappv1 "github.com/mqrpc/mqrpc/examples/wxapp/proto/wxapp/v1"
	wxappv1p1 "github.com/mqrpc/mqrpc/examples/wxapp/proto/wxapp/v1_1"
	"github.com/mqrpc/mqrpc/runtime"
	"github.com/mqrpc/mqrpc/runtime/rabbitmq"
)

const (
	// demoWorkerCommand is the hidden command that is one worker of the demo.
	demoWorkerCommand = "demo-worker"
	// demoURLVariable tells it the broker's URL, which does not belong into a
	// list of processes.
	demoURLVariable = envPrefix + "DEMO_AMQP_URL"
	// demoReady is what it prints when it serves.
	demoReady = "ready"
)

// demoVersion is one version of the example's module.
type demoVersion struct {
	name     string
	register func(runtime.Registrar)
}

func demoVersions() []demoVersion {
	return []demoVersion{
		{"1.0", func(r runtime.Registrar) { wxappv1.RegisterWxappManagerServer(r, &manager.V1{}) }},
		{"1.1", func(r runtime.Registrar) { wxappv1p1.RegisterWxappManagerServer(r, &manager.V1p1{}) }},
	}
}

func newDemoWorkerCommand() *cobra.Command {
	return &cobra.Command{
		Use:    demoWorkerCommand + " VERSION",
		Short:  "Be one worker of the demo until the standard input ends",
		Hidden: true,
		Args:   usageArgs(cobra.ExactArgs(1)),
		RunE: func(command *cobra.Command, args []string) error {
			for _, version := range demoVersions() {
				if version.name == args[0] {
					return runDemoWorker(command, version)
				}
			}
			return &usageError{fmt.Errorf("the demo has no version %q", args[0])}
		},
	}
}

// runDemoWorker serves until its parent stops it, or is gone: then the standard
// input ends. Ctrl-C reaches the whole group of processes; it is the parent's
// to say when the workers stop.
func runDemoWorker(command *cobra.Command, version demoVersion) (err error) {
	signal.Ignore(os.Interrupt)
	ctx, stop := context.WithCancel(command.Context())
	defer stop()
	go func() {
		_, _ = io.Copy(io.Discard, command.InOrStdin())
		stop()
	}()
	logger := slog.New(slog.NewTextHandler(command.ErrOrStderr(), &slog.HandlerOptions{Level: slog.LevelWarn}))
	transport, err := rabbitmq.Connect(rabbitmq.Config{URLs: []string{os.Getenv(demoURLVariable)}, Logger: logger})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, closeWithin(demoStopTimeout, transport.Close)) }()
	worker := runtime.NewWorker(transport, runtime.WorkerConfig{Logger: logger, StopTimeout: demoStopTimeout})
	version.register(worker)
	go func() {
		select {
		case <-worker.Ready():
			_, _ = fmt.Fprintln(command.OutOrStdout(), demoReady)
		case <-ctx.Done():
		}
	}()
	return worker.Run(ctx)
}
