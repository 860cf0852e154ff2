package cli

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/user"
	"strings"

	"github.com/spf13/cobra"

	"github.com/mqrpc/mqrpc/contract"
	"github.com/mqrpc/mqrpc/internal/cli/backend"
	"github.com/mqrpc/mqrpc/registry"
	"github.com/mqrpc/mqrpc/runtime/transport"
)

func newAPICommand(env environment) *cobra.Command {
	command := &cobra.Command{
		Use:   "api",
		Short: "Manage the APIs of a registry",
		Long: `Manage the APIs that gateways take from a registry: their contracts, which are
kept with all revisions, and their policies.

The registry is a file of yours unless --registry names another one:

  sqlite:PATH                                  a file, for gateways of one machine
  postgres://user:password@host/database       PostgreSQL
  zookeeper://host:port,host:port/root         ZooKeeper
  etcd://host:port,host:port/prefix            etcd; etcds:// with TLS

A change is announced to gateways first and saved second. If one of the two
fails, the command says so; running it again does no harm.`,
	}
	command.AddCommand(
		newPushCommand(env), newAPIListCommand(env), newShowCommand(env), newHistoryCommand(env),
		newRollbackCommand(env), newEnableCommand(env, true), newEnableCommand(env, false),
		newPolicyCommand(env), newDeleteCommand(env),
	)
	return command
}

// admin is a command on a registry.
type admin struct {
	env      environment
	broker   brokerSettings
	registry registrySettings
	options  []option
	command  *cobra.Command
	out      io.Writer
	errOut   io.Writer
	yes      bool
	output   string
}

// newAdmin returns a command on a registry. Those that change it also announce,
// and take the options for that.
func newAdmin(env environment, command *cobra.Command, changes bool, run func(ctx context.Context, a *admin, args []string) error) *admin {
	a := &admin{env: env, broker: defaultBroker(), registry: defaultRegistry(env.environ), command: command}
	a.options = a.registry.options()
	if changes {
		a.options = append(a.options, a.broker.options()...)
	} else {
		a.options = a.options[:1]
	}
	command.RunE = func(command *cobra.Command, args []string) error {
		a.out, a.errOut = command.OutOrStdout(), command.ErrOrStderr()
		if err := load(a.options, command.Flags(), env.environ); err != nil {
			return &usageError{err}
		}
		if a.output != "" {
			if err := checkOutput(a.output); err != nil {
				return err
			}
		}
		return run(command.Context(), a, args)
	}
	command.Flags().SortFlags = false
	return a
}

// complete adds the options after the command's own flags.
func (a *admin) complete() *cobra.Command {
	addOptions(a.command, a.options)
	return a.command
}

// askFirst defines the flag of a command that asks before it does harm.
func (a *admin) askFirst() {
	a.command.Flags().BoolVarP(&a.yes, "yes", "y", false, "do not ask, also on a terminal")
}

// confirm asks a person who sits at a terminal; programs are not asked.
func (a *admin) confirm(format string, args ...any) error {
	if a.yes || !a.env.terminal {
		return nil
	}
	_, _ = fmt.Fprintf(a.errOut, format+" [y/N] ", args...)
	answer, err := bufio.NewReader(a.env.in).ReadString('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	switch strings.ToLower(strings.TrimSpace(answer)) {
	case "y", "yes":
		return nil
	default:
		return errors.New("nothing was changed: it was not confirmed")
	}
}

// open opens the registry and calls use with it.
func (a *admin) open(ctx context.Context, use func(opened *backend.Backend, location backend.Location) error) (err error) {
	location, err := backend.Parse(a.registry.url)
	if err != nil {
		return &usageError{err}
	}
	if location.IsNone() {
		return &usageError{errors.New("there is no registry: name one with --registry: " + backend.Forms)}
	}
	opened, err := location.Open(ctx, backend.Options{Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, opened.Close()) }()
	return use(opened, location)
}

// read opens the registry for reading.
func (a *admin) read(ctx context.Context, use func(store registry.Store) error) error {
	return a.open(ctx, func(opened *backend.Backend, _ backend.Location) error { return use(opened.Store) })
}

// change opens the registry for a change and the way to announce it.
func (a *admin) change(ctx context.Context, use func(changer) error) error {
	return a.open(ctx, func(opened *backend.Backend, location backend.Location) (err error) {
		way, err := a.way(location)
		if err != nil {
			return &usageError{err}
		}
		var conn transport.Transport
		if way == backend.Broadcast {
			if conn, err = a.env.dial(a.broker, slog.New(slog.DiscardHandler)); err != nil {
				return err
			}
			defer func() { err = errors.Join(err, closeWithin(busStopTimeout, conn.Close)) }()
		}
		notifier, err := opened.Notifier(way, conn, slog.New(slog.DiscardHandler))
		if err != nil {
			return err
		}
		publisher, err := registry.NewPublisher(registry.PublisherConfig{
			Store: opened.Store, Notifier: notifier, ChangedBy: changedBy(a.command),
		})
		if err != nil {
			return err
		}
		return use(changer{Publisher: publisher, store: opened.Store, way: way})
	})
}

// changer makes changes.
type changer struct {
	*registry.Publisher

	store registry.Store
	way   backend.Notify
}

// way is how changes are announced. Without a broker that was named, auto does
// not try one.
func (a *admin) way(location backend.Location) (backend.Notify, error) {
	notify, err := backend.ParseNotify(a.registry.notify)
	if err != nil {
		return "", err
	}
	way, err := notify.For(location)
	if err != nil || way != backend.Broadcast || notify == backend.Broadcast {
		return way, err
	}
	for _, o := range a.options {
		if o.name == amqpURLOption && given(a.command, o, a.env) {
			return backend.Broadcast, nil
		}
	}
	return backend.Poll, nil
}

// changedBy says who runs which command, for the history.
func changedBy(command *cobra.Command) string {
	who := "somebody"
	if current, err := user.Current(); err == nil && current.Username != "" {
		who = current.Username
	}
	if host, err := os.Hostname(); err == nil && host != "" {
		who += "@" + host
	}
	account := who + ": " + command.CommandPath()
	return strings.ToValidUTF8(account[:min(len(account), registry.MaxChangedByBytes)], "")
}

// tell says what has become of a change.
func (a *admin) tell(done string, result registry.Result, way backend.Notify) {
	api := result.API
	for _, b := range result.Breaks {
		_, _ = fmt.Fprintln(a.errOut, b)
	}
	if api == nil || !result.Saved {
		return
	}
	if !result.Changed {
		done = "nothing to change"
	}
	heard := ""
	switch {
	case result.Announced && way == backend.Broadcast:
		heard = "; announced to gateways"
	case way == backend.Poll:
		heard = "; gateways find it with their next poll (--amqp-url: at once)"
	}
	_, _ = fmt.Fprintf(a.out, "%s: %s (change %d, revision %s)%s\n", contract.KeyOf(api), done, api.GetSequence(), api.GetRevision(), heard)
}

// parseKey reads the API that a command is for.
func parseKey(text string) (contract.Key, error) {
	key, err := contract.ParseKey(text)
	if err != nil {
		return key, &usageError{err}
	}
	return key, nil
}
