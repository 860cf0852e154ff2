package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/mqrpc/mqrpc/contract"
	"github.com/mqrpc/mqrpc/contract/source"
	"github.com/mqrpc/mqrpc/internal/cli/backend"
	"github.com/mqrpc/mqrpc/internal/cli/workers"
	mqrpcv1 "github.com/mqrpc/mqrpc/proto/mqrpc/v1"
	"github.com/mqrpc/mqrpc/registry"
)

// list is one run of mqrpc list.
type list struct {
	env       environment
	broker    brokerSettings
	registry  registrySettings
	files     source.Files
	wait      time.Duration
	output    string
	instances bool
	asked     bool // whether a registry was named
	out       io.Writer
	errOut    io.Writer
}

// listWait is more than the time within which workers answer.
const listWait = time.Second

func newListCommand(env environment) *cobra.Command {
	l := list{env: env, broker: defaultBroker(), registry: defaultRegistry(env.environ)}
	options := append(l.broker.options(), l.registry.options()[0])
	command := &cobra.Command{
		Use:   "list [MODULE[/VERSION]]",
		Short: "List the APIs that workers serve, or the methods of one",
		Long: `Without a version: list the APIs that running workers serve, with the number of
instances, by asking all workers.
With --registry the APIs that are stored there, too.

With a version: list the methods of that API, by asking a worker for them.`,
		Example: `  mqrpc list
  mqrpc list wxapp --instances
  mqrpc list --registry postgres://registry/mqrpc -o json
  mqrpc list wxapp/1.0`,
		Args: usageArgs(cobra.MaximumNArgs(1)),
		RunE: func(command *cobra.Command, args []string) error {
			l.out, l.errOut = command.OutOrStdout(), command.ErrOrStderr()
			if err := load(options, command.Flags(), env.environ); err != nil {
				return &usageError{err}
			}
			if err := checkOutput(l.output); err != nil {
				return err
			}
			l.asked = given(command, options[len(options)-1], env)
			if len(args) == 1 && strings.Contains(args[0], "/") {
				return l.methods(command.Context(), args[0])
			}
			return l.apis(command.Context(), strings.Join(args, ""))
		},
	}
	flags := command.Flags()
	flags.SortFlags = false
	flags.DurationVar(&l.wait, "wait", listWait, "how long to wait for answers; 0: not at all, which needs --registry")
	flags.BoolVar(&l.instances, "instances", false, "list each instance with its host, process, load and revision")
	addOutputFlag(command, &l.output)
	addContractFlags(command, &l.files)
	addOptions(command, options)
	return command
}

// addOutputFlag defines -o.
func addOutputFlag(command *cobra.Command, output *string) {
	command.Flags().StringVarP(output, "output", "o", "text", "text or json")
}

func checkOutput(output string) error {
	if output != "text" && output != "json" {
		return &usageError{fmt.Errorf("output is %q; it must be text or json", output)}
	}
	return nil
}

// given reports whether an option has a value that is not its default's.
func given(command *cobra.Command, o option, env environment) bool {
	if command.Flags().Changed(o.name) {
		return true
	}
	for _, variable := range env.environ() {
		if value, is := strings.CutPrefix(variable, o.env()+"="); is && value != "" {
			return true
		}
	}
	return false
}

// methods lists the methods of one API.
func (l *list) methods(ctx context.Context, text string) error {
	address, err := contract.ParseAddress(text)
	if err == nil && address.Element != "" {
		err = fmt.Errorf("%q names more than an API: mqrpc describe shows single methods", text)
	}
	if err != nil {
		return &usageError{err}
	}
	api, err := loadOnce(ctx, l.env, address.Key, l.files, l.broker)
	if err != nil {
		return err
	}
	var rows []methodRow
	for _, service := range api.Services {
		for _, method := range service.Methods {
			rows = append(rows, methodRow{
				Method:      method.String(),
				Request:     string(method.Input().FullName()),
				Response:    string(method.Output().FullName()),
				Idempotency: method.Idempotency.String(),
			})
		}
	}
	if l.output == "json" {
		return writeJSON(l.out, rows)
	}
	for _, row := range rows {
		_, _ = fmt.Fprintln(l.out, row.Method)
	}
	return nil
}

// methodRow is a method in a list.
type methodRow struct {
	Method      string `json:"method"`
	Request     string `json:"request"`
	Response    string `json:"response"`
	Idempotency string `json:"idempotency"`
}

// apis lists APIs, of one module or of all.
func (l *list) apis(ctx context.Context, module string) error {
	if l.wait <= 0 && !l.asked {
		return &usageError{errors.New("there is nothing to list: --wait 0 needs --registry")}
	}
	var stored []registry.Head
	var heard []*mqrpcv1.Claim
	var err error
	if l.asked {
		if stored, err = l.stored(ctx, module); err != nil {
			return err
		}
	}
	if l.wait > 0 {
		if heard, err = l.heard(ctx); err != nil {
			return err
		}
	}
	rows := mergeAPIs(module, heard, stored)
	switch {
	case l.output == "json":
		return writeJSON(l.out, rows)
	case len(rows) == 0:
		_, _ = fmt.Fprintf(l.errOut, "No worker has answered within %s.\n", l.wait)
		return nil
	case l.instances:
		return l.printInstances(rows)
	default:
		return l.printAPIs(rows)
	}
}

// stored lists the registry.
func (l *list) stored(ctx context.Context, module string) (heads []registry.Head, err error) {
	location, err := backend.Parse(l.registry.url)
	if err != nil {
		return nil, &usageError{err}
	}
	if location.IsNone() {
		return nil, nil
	}
	opened, err := location.Open(ctx, backend.Options{Logger: commandLogger(nil, false)})
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, opened.Close()) }()
	return allHeads(ctx, opened.Store, registry.ListQuery{Module: module})
}

// heard listens to workers.
func (l *list) heard(ctx context.Context) (found []*mqrpcv1.Claim, err error) {
	connected, err := openBus(ctx, l.env, l.broker, commandLogger(nil, false))
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, connected.close()) }()
	return workers.Listen(ctx, connected.transport, l.wait, nil)
}

// printAPIs prints a line for each API.
func (l *list) printAPIs(rows []apiRow) error {
	table := tabwriter.NewWriter(l.out, 0, 0, 2, ' ', 0)
	header := "API\tREVISION\tINSTANCES"
	if l.asked {
		header += "\tREGISTRY"
	}
	_, _ = fmt.Fprintln(table, header)
	for _, row := range rows {
		_, _ = fmt.Fprintf(table, "%s\t%s\t%d", row.API, strings.Join(row.Revisions, ","), len(row.Instances))
		if l.asked {
			_, _ = fmt.Fprintf(table, "\t%s", row.Registry)
		}
		_, _ = fmt.Fprintln(table)
	}
	return table.Flush()
}

// printInstances prints a line for each instance.
func (l *list) printInstances(rows []apiRow) error {
	table := tabwriter.NewWriter(l.out, 0, 0, 2, ' ', 0)
	_, _ = fmt.Fprintln(table, "API\tINSTANCE\tHOST\tPID\tLANGUAGE\tSTARTED\tRUNNING\tWAITING\tANSWERED\tREVISION")
	for _, row := range rows {
		for _, i := range row.Instances {
			_, _ = fmt.Fprintf(table, "%s\t%s\t%s\t%d\t%s\t%s\t%d\t%d\t%d\t%s\n", row.API, i.Instance, cell(i.Host), i.PID, cell(i.Language),
				i.Started.Format(time.RFC3339), i.Running, i.Waiting, i.Answered, i.Revision)
		}
	}
	return table.Flush()
}

// cell is a stranger's text as a cell of a table: it ends no line and no column.
func cell(text string) string { return strings.NewReplacer("\n", " ", "\t", " ").Replace(text) }
