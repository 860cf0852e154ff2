package cli

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"syscall"
	"time"

	"github.com/spf13/cobra"
)

func newGatewayCommand(env environment) *cobra.Command {
	chosen := defaultSettings(env.environ)
	options := chosen.options()
	var show bool
	command := &cobra.Command{
		Use:   "gateway",
		Short: "Serve calls over HTTP",
		Long: `Serve POST /gateway, /healthz and /readyz, and make the calls over RabbitMQ.

Every API is served that a worker serves or the registry has, also one that
comes later: it is looked up when it is called first. The registry (mqrpc api)
adds policies and is optional: --registry none.

Every option can be given as a flag, as an environment variable, and as a key
of the YAML file that --config names; in this order the first one wins. The key
is the flag's name without its dashes. Lists are separated by commas in flags
and variables.`,
		Example: `  mqrpc gateway --amqp-url amqp://broker:5672/
  MQRPC_AMQP_URL=amqp://node-1:5672/,amqp://node-2:5672/ mqrpc gateway
  mqrpc gateway --config gateway.yaml --print-config`,
		Args: usageArgs(cobra.NoArgs),
		RunE: func(command *cobra.Command, _ []string) error {
			if err := load(options, command.Flags(), env.environ); err != nil {
				return &usageError{err}
			}
			if show {
				return printConfig(command.OutOrStdout(), options)
			}
			out := newLogWriter(command.ErrOrStderr())
			defer func() { _ = out.Flush() }() // nobody is left to be told
			logger, err := chosen.log.newLogger(out)
			if err != nil {
				return &usageError{err}
			}
			return runGateway(command.Context(), env, chosen, logger)
		},
	}
	flags := command.Flags()
	flags.SortFlags = false
	flags.String(configFlag, "", "YAML file with options ($"+envPrefix+"CONFIG)")
	flags.BoolVar(&show, "print-config", false, "print the effective configuration as YAML, passwords masked, and exit")
	for _, o := range options {
		o.addTo(flags)
	}
	return command
}

// usageArgs makes the errors of a check of arguments usage errors.
func usageArgs(check cobra.PositionalArgs) cobra.PositionalArgs {
	return func(command *cobra.Command, args []string) error {
		if err := check(command, args); err != nil {
			return &usageError{err}
		}
		return nil
	}
}

// runGateway serves until ctx ends.
func runGateway(ctx context.Context, env environment, chosen *settings, logger *slog.Logger) (err error) {
	listener, err := listen(ctx, chosen.listen, "listen")
	if err != nil {
		return err
	}
	f := front{settings: chosen, logger: logger, listener: listener}
	defer func() { err = errors.Join(err, f.close()) }()
	if chosen.adminListen != "" {
		if f.admin, err = listen(ctx, chosen.adminListen, "admin-listen"); err != nil {
			return err
		}
	}
	if f.transport, err = env.dial(chosen.broker, logger); err != nil {
		return err
	}
	if err := f.openRegistry(ctx); err != nil {
		return err
	}
	logger.Info("the gateway listens", "address", listener.Addr().String(), "admin", addressOf(f.admin),
		"registry", f.location.String(), "notify", string(f.notify))
	return f.serve(ctx)
}

// listen opens the address that an option gives, and says what to do when
// somebody else has it.
func listen(ctx context.Context, address, option string) (net.Listener, error) {
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", address)
	if errors.Is(err, syscall.EADDRINUSE) {
		return nil, fmt.Errorf("%s is in use by another program: stop that one, or choose another address, for example --%s :8090", address, option)
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", option, err)
	}
	return listener, nil
}

// closeWithin closes something within a time.
func closeWithin(timeout time.Duration, closing func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	defer cancel()
	return closing(ctx)
}
