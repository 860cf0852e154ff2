package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/reflect/protoregistry"

	"github.com/mqrpc/mqrpc/contract"
	mqrpcv1 "github.com/mqrpc/mqrpc/proto/mqrpc/v1"
	"github.com/mqrpc/mqrpc/registry"
)

func newAPIListCommand(env environment) *cobra.Command {
	var deleted bool
	command := &cobra.Command{
		Use:   "list [MODULE]",
		Short: "List the APIs of the registry",
		Args:  usageArgs(cobra.MaximumNArgs(1)),
	}
	a := newAdmin(env, command, false, func(ctx context.Context, a *admin, args []string) error {
		query := registry.ListQuery{Deleted: deleted}
		if len(args) == 1 {
			query.Module = args[0]
		}
		return a.read(ctx, func(store registry.Store) error {
			heads, err := allHeads(ctx, store, query)
			if err != nil {
				return err
			}
			if a.output == "json" {
				return writeJSON(a.out, append([]registry.Head{}, heads...))
			}
			return printHeads(a.out, heads)
		})
	})
	command.Flags().BoolVar(&deleted, "deleted", false, "list deleted APIs, too")
	addOutputFlag(command, &a.output)
	return a.complete()
}

func printHeads(out io.Writer, heads []registry.Head) error {
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	_, _ = fmt.Fprintln(table, "API\tCHANGE\tREVISION")
	for _, head := range heads {
		_, _ = fmt.Fprintf(table, "%s\t%d\t%s%s\n", head.Key, head.Sequence, head.Revision, deletedMark(head))
	}
	return table.Flush()
}

func deletedMark(head registry.Head) string {
	if head.Deleted {
		return " (deleted)"
	}
	return ""
}

func newHistoryCommand(env environment) *cobra.Command {
	limit := 20
	command := &cobra.Command{
		Use:   "history MODULE/VERSION",
		Short: "List the changes of an API, the newest first",
		Args:  usageArgs(cobra.ExactArgs(1)),
	}
	a := newAdmin(env, command, false, func(ctx context.Context, a *admin, args []string) error {
		key, err := parseKey(args[0])
		if err != nil {
			return err
		}
		return a.read(ctx, func(store registry.Store) error {
			changes, err := store.History(ctx, registry.HistoryQuery{Key: key, Limit: limit})
			if err != nil {
				return err
			}
			if a.output == "json" {
				return writeJSON(a.out, changes)
			}
			return printChanges(a.out, changes)
		})
	})
	command.Flags().IntVarP(&limit, "limit", "n", limit, fmt.Sprintf("how many; a registry keeps %d at least", registry.KeepChanges))
	addOutputFlag(command, &a.output)
	return a.complete()
}

func printChanges(out io.Writer, changes []registry.Change) error {
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	_, _ = fmt.Fprintln(table, "CHANGE\tREVISION\tTIME\tBY")
	for _, change := range changes {
		_, _ = fmt.Fprintf(table, "%d\t%s\t%s\t%s%s\n", change.Sequence, change.Revision,
			change.Changed.Format(time.RFC3339), change.ChangedBy, deletedMark(change.Head))
	}
	return table.Flush()
}

func newShowCommand(env environment) *cobra.Command {
	var at int64
	command := &cobra.Command{
		Use:   "show MODULE/VERSION[/NAME]",
		Short: "Show an API of the registry",
		Long: `Show an API as the registry has it: its revision, its policy and its services; or
the service, method, message or enum that is named. With -o json everything,
descriptors among it.`,
		Args: usageArgs(cobra.ExactArgs(1)),
	}
	a := newAdmin(env, command, false, func(ctx context.Context, a *admin, args []string) error {
		address, err := contract.ParseAddress(args[0])
		if err != nil {
			return &usageError{err}
		}
		return a.read(ctx, func(store registry.Store) error {
			api, err := loadAt(ctx, store, address.Key, at)
			if err != nil {
				return err
			}
			return a.show(ctx, api, address.Element)
		})
	})
	command.Flags().Int64Var(&at, "at", 0, "show the API as it was after this change of its history")
	addOutputFlag(command, &a.output)
	return a.complete()
}

// loadAt loads an API as it is, or as it was at a sequence greater than zero.
func loadAt(ctx context.Context, store registry.Store, key contract.Key, at int64) (*mqrpcv1.Api, error) {
	if at > 0 {
		return store.LoadAt(ctx, key, at)
	}
	return store.Load(ctx, key)
}

func (a *admin) show(ctx context.Context, api *mqrpcv1.Api, element string) error {
	if a.output == "json" {
		options := protojson.MarshalOptions{Resolver: protoregistry.GlobalTypes}
		text, err := options.Marshal(api)
		if err != nil {
			return err
		}
		_, err = fmt.Fprintln(a.out, indented(text, ""))
		return err
	}
	found, err := contract.Link(ctx, contract.KeyOf(api), api.GetFiles())
	if err != nil {
		return err
	}
	text, err := elementText(found, element)
	if err != nil {
		return err
	}
	if element == "" {
		a.showHead(api)
	}
	_, err = fmt.Fprint(a.out, text)
	return err
}

// showHead shows what is known of an API besides its contract.
func (a *admin) showHead(api *mqrpcv1.Api) {
	change := registry.ChangeOf(api)
	state := "enabled"
	switch {
	case api.GetDeleted():
		state = "deleted"
	case api.GetPolicy().GetDisabled():
		state = "disabled"
	}
	pinned := ""
	if api.GetPinned() {
		pinned = " (pinned)"
	}
	_, _ = fmt.Fprintf(a.out, "API:      %s (%s)\nRevision: %s%s\nChange:   %d, %s, by %s\nPolicy:   %s\n\n",
		change.Key, state, change.Revision, pinned, change.Sequence, change.Changed.Format(time.RFC3339), change.ChangedBy, policyText(api.GetPolicy()))
}

// policyText is a policy as JSON; it can be given to policy set --file.
func policyText(policy *mqrpcv1.Policy) string {
	text, err := protojson.Marshal(policy)
	if err != nil {
		return err.Error()
	}
	return indented(text, "")
}

// errDeleted is why a deleted API cannot be used.
var errDeleted = errors.New("the API is deleted: mqrpc api push brings it back")
