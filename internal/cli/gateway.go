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

	"github.com/mqrpc/mqrpc/gateway"
	"github.com/mqrpc/mqrpc/runtime"
)

func newGatewayCommand(env environment) *cobra.Command {
	chosen := defaultSettings()
	options := chosen.options()
	var show bool
	command := &cobra.Command{
		Use:   "gateway",
		Short: "Serve calls over HTTP",
		Long: `Serve POST /gateway, /healthz and /readyz, and make the calls over RabbitMQ.

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
			logger, err := chosen.log.newLogger(command.ErrOrStderr())
			if err != nil {
				return &usageError{err}
			}
			return runGateway(command.Context(), chosen, env.services, logger)
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
func runGateway(ctx context.Context, chosen *settings, services []*runtime.Service, logger *slog.Logger) (err error) {
	transport, err := chosen.broker.connect(logger)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, closeWithin(chosen.server.StopTimeout, transport.Close)) }()
	listener, err := listen(ctx, chosen.listen)
	if err != nil {
		return err
	}
	logger.Info("the gateway listens", "address", listener.Addr().String(), "apis", apisOf(services))
	front := front{settings: chosen, services: services, transport: transport, logger: logger}
	return front.serve(ctx, listener)
}

// front is a gateway with its client, over somebody's transport.
type front struct {
	*settings
	services  []*runtime.Service
	transport runtime.Transport
	logger    *slog.Logger
}

// serve serves on the listener, which it owns, until ctx ends.
func (f front) serve(ctx context.Context, listener net.Listener) (err error) {
	client := runtime.NewClient(f.transport, runtime.ClientConfig{Timeout: f.timeouts.Call, Logger: f.logger})
	defer func() { err = errors.Join(err, closeWithin(f.server.StopTimeout, client.Close)) }()
	handler, err := f.handler(client)
	if err != nil {
		return errors.Join(err, listener.Close())
	}
	return handler.Serve(ctx, listener, f.server)
}

func (f front) handler(caller runtime.Caller) (*gateway.Gateway, error) {
	routes, err := gateway.Static(f.services...)
	if err != nil {
		return nil, err
	}
	return gateway.New(gateway.Config{
		Caller:         caller,
		Sources:        []gateway.Source{routes},
		State:          f.transport.State,
		JSON:           f.json,
		Timeouts:       f.timeouts,
		Limits:         f.limits,
		ForwardHeaders: f.forwardHeaders,
		Logger:         f.logger,
	})
}

// listen opens the address, and says what to do when somebody else has it.
func listen(ctx context.Context, address string) (net.Listener, error) {
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", address)
	if errors.Is(err, syscall.EADDRINUSE) {
		return nil, fmt.Errorf("%s is in use by another program: stop that one, or choose another address, for example --listen :8081", address)
	}
	return listener, err
}

// closeWithin closes something within a time.
func closeWithin(timeout time.Duration, closing func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	defer cancel()
	return closing(ctx)
}

// apisOf lists the APIs of services, for people.
func apisOf(services []*runtime.Service) []string {
	apis := make([]string, 0, len(services))
	for _, service := range services {
		apis = append(apis, service.Module+"/"+service.Version+"/"+service.Name)
	}
	return apis
}
