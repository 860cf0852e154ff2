package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"

	"github.com/spf13/cobra"

	"github.com/mqrpc/mqrpc/runtime/transport"
)

// demo is one run of mqrpc demo.
type demo struct {
	listen, amqpURL string
	once            bool
	out, errOut     io.Writer
	logger          *slog.Logger
}

func newDemoCommand() *cobra.Command {
	var d demo
	command := &cobra.Command{
		Use:   "demo",
		Short: "Start a gateway and two workers, and call them",
		Long: `Start a gateway and the workers of the example wxapp in the versions 1.0 and
1.1, call the first over HTTP, and stay up for you to try more. The gateway is
started first and knows nothing of the example: it asks each worker for its
contract when it is called first.

Everything runs in this process, over a broker in memory. With --amqp it is a
real RabbitMQ, and the workers are processes of their own.`,
		Example: `  mqrpc demo
  mqrpc demo --listen :9090
  mqrpc demo --amqp amqp://localhost:5672/`,
		Args: usageArgs(cobra.NoArgs),
		RunE: func(command *cobra.Command, _ []string) error {
			d.out, d.errOut = command.OutOrStdout(), command.ErrOrStderr()
			d.logger = slog.New(slog.NewTextHandler(d.errOut, &slog.HandlerOptions{Level: slog.LevelWarn}))
			return d.run(command.Context())
		},
	}
	command.Flags().StringVar(&d.listen, "listen", ":8080", "address to listen on")
	command.Flags().BoolVar(&d.once, "once", false, "exit after the first answer; with an error if it is wrong")
	command.Flags().StringVar(&d.amqpURL, "amqp", "", "URL of a RabbitMQ to use instead of the broker in memory")
	return command
}

// run starts the parts one after the other and stops them in reverse.
func (d *demo) run(ctx context.Context) (err error) {
	listener, err := listen(ctx, d.listen, "listen")
	if err != nil {
		return err
	}
	backend, err := d.start(ctx)
	if err != nil {
		return errors.Join(err, listener.Close())
	}
	defer func() { err = errors.Join(err, backend.stop()) }()
	defer func() { _ = listener.Close() }() // it is closed already, unless the gateway did not start
	return d.serve(ctx, listener, backend)
}

// noEnviron keeps the demo away from what the user has configured.
func noEnviron() []string { return nil }

// demoBackend is what the demo's gateway calls: a broker, and workers that come
// when they are started.
type demoBackend interface {
	transport() transport.Transport
	// startWorker returns when the worker serves.
	startWorker(ctx context.Context, version demoVersion) error
	stop() error
}

func (d *demo) start(ctx context.Context) (demoBackend, error) {
	if d.amqpURL != "" {
		return d.startProcesses()
	}
	return d.startInMemory(ctx), nil
}

// serve runs the gateway, makes the first call, and waits for the end.
func (d *demo) serve(ctx context.Context, listener net.Listener, backend demoBackend) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	front := front{settings: defaultSettings(noEnviron), listener: listener, transport: backend.transport(), logger: d.logger}
	served := make(chan error, 1)
	go func() { served <- front.serve(ctx) }()

	err := d.plugIn(ctx, backend, reachable(listener.Addr()))
	if err == nil && !d.once {
		select {
		case <-ctx.Done():
		case err = <-served:
			return err
		}
	}
	stop()
	return errors.Join(err, <-served)
}

// plugIn starts the workers of one version after the other, while the gateway
// runs: nothing tells it that they come.
func (d *demo) plugIn(ctx context.Context, backend demoBackend, address string) error {
	versions := demoVersions()
	if err := backend.startWorker(ctx, versions[0]); err != nil {
		return err
	}
	if err := firstCall(ctx, d.out, address); err != nil || d.once {
		return err
	}
	for _, version := range versions[1:] {
		if err := backend.startWorker(ctx, version); err != nil {
			return err
		}
	}
	d.printHints(address)
	return nil
}

// reachable is an address of the listener that this machine's programs can call.
func reachable(address net.Addr) string {
	tcp, ok := address.(*net.TCPAddr)
	if !ok {
		return address.String()
	}
	if tcp.IP.IsUnspecified() || tcp.IP.IsLoopback() {
		return fmt.Sprintf("localhost:%d", tcp.Port)
	}
	return tcp.String()
}

// printHints says what to try next.
func (d *demo) printHints(address string) {
	version11 := newDemoCall("1.1", "WxappManager.SessionKey", demoContent)
	unknown := newDemoCall("1.0", "WxappManager.Nothing", demoContent)
	malformed := newDemoCall("1.0", "WxappManager.SessionKey", `{"Code":`)
	_, _ = fmt.Fprintf(d.out, `
The gateway stays up on %s; Ctrl-C stops it. Try:

# version 1.1, whose worker was started just now, beside the first
%s
# a method that does not exist
%s
# malformed JSON
%s
# is it ready?
curl %s/readyz
`, address, version11.curl(address), unknown.curl(address), malformed.curl(address), address)
}
