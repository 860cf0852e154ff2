package cli

import (
	"context"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/mqrpc/mqrpc/contract"
	"github.com/mqrpc/mqrpc/registry"
)

func newRollbackCommand(env environment) *cobra.Command {
	var force bool
	command := &cobra.Command{
		Use:   "rollback MODULE/VERSION REVISION",
		Short: "Make an earlier revision the contract again",
		Long: `Make an earlier revision, which mqrpc api history lists, the contract again, and
pin it: gateways use it even while instances serve its successors, until the
next push. The policy stays as it is now. If the earlier contract breaks the
present one, which is usual after fields were added, --force is needed. The
beginning of a revision is enough if no other one begins so.`,
		Args: usageArgs(cobra.ExactArgs(2)),
	}
	a := newAdmin(env, command, true, func(ctx context.Context, a *admin, args []string) error {
		key, err := parseKey(args[0])
		if err != nil {
			return err
		}
		if err := a.confirm("Roll %s back to revision %s?", key, args[1]); err != nil {
			return err
		}
		return a.change(ctx, func(c changer) error {
			revision, err := fullRevision(ctx, c.store, key, args[1])
			if err != nil {
				return fmt.Errorf("nothing was changed: %w", err)
			}
			result, err := c.Rollback(ctx, key, revision, force)
			if err == nil {
				a.tell("rolled back", result, c.way)
			}
			return err
		})
	})
	command.Flags().BoolVar(&force, "force", false, "roll back even if that breaks the present contract")
	a.askFirst()
	return a.complete()
}

// fullRevision finds the revision in the history that begins like this.
func fullRevision(ctx context.Context, store registry.Store, key contract.Key, beginning string) (string, error) {
	changes, err := store.History(ctx, registry.HistoryQuery{Key: key})
	if err != nil {
		return "", err
	}
	found := ""
	for _, change := range changes {
		switch {
		case !strings.HasPrefix(change.Revision, beginning) || change.Revision == found:
		case found != "":
			return "", fmt.Errorf("two revisions of %s begin with %q: %s and %s", key, beginning, found, change.Revision)
		default:
			found = change.Revision
		}
	}
	if found == "" {
		return "", fmt.Errorf("revision %q of %s: %w; mqrpc api history %s lists the revisions", beginning, key, registry.ErrNotFound, key)
	}
	return found, nil
}

func newEnableCommand(env environment, enabled bool) *cobra.Command {
	use, short, done := "enable", "Let gateways serve an API again", "enabled"
	if !enabled {
		use, short, done = "disable", "Make gateways refuse an API, or give its default response", "disabled"
	}
	command := &cobra.Command{
		Use:   use + " MODULE/VERSION",
		Short: short,
		Args:  usageArgs(cobra.ExactArgs(1)),
	}
	a := newAdmin(env, command, true, func(ctx context.Context, a *admin, args []string) error {
		key, err := parseKey(args[0])
		if err != nil {
			return err
		}
		if !enabled {
			if err := a.confirm("Disable %s for all gateways?", key); err != nil {
				return err
			}
		}
		return a.change(ctx, func(c changer) error {
			result, err := c.SetEnabled(ctx, key, enabled)
			if err == nil {
				a.tell(done, result, c.way)
			}
			return err
		})
	})
	if !enabled {
		a.askFirst()
	}
	return a.complete()
}

func newDeleteCommand(env environment) *cobra.Command {
	command := &cobra.Command{
		Use:   "delete MODULE/VERSION",
		Short: "Delete an API from the registry",
		Long: `Delete an API from the registry. Gateways do not know it any more, even if a
worker serves it. Its history stays, and push brings it back.`,
		Args: usageArgs(cobra.ExactArgs(1)),
	}
	a := newAdmin(env, command, true, func(ctx context.Context, a *admin, args []string) error {
		key, err := parseKey(args[0])
		if err != nil {
			return err
		}
		if err := a.confirm("Delete %s from the registry?", key); err != nil {
			return err
		}
		return a.change(ctx, func(c changer) error {
			result, err := c.Delete(ctx, key)
			if err == nil {
				a.tell("deleted", result, c.way)
			}
			return err
		})
	})
	a.askFirst()
	return a.complete()
}
