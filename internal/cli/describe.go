package cli

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/mqrpc/mqrpc/contract"
	"github.com/mqrpc/mqrpc/contract/printing"
	"github.com/mqrpc/mqrpc/contract/source"
)

func newDescribeCommand(env environment) *cobra.Command {
	broker := defaultBroker()
	options := broker.options()
	var files source.Files
	command := &cobra.Command{
		Use:   "describe MODULE/VERSION[/NAME]",
		Short: "Show the contract of a running worker",
		Long: `Show services, or the service, method, message or enum that is named, as they
would stand in a .proto file. A message or enum needs its full name only where
two have the same last part.

The worker is asked over RabbitMQ, so no .proto file is needed; but programs
keep no comments, so the comments are there with --proto and --protoset alone.`,
		Example: `  mqrpc describe wxapp/1.0
  mqrpc describe wxapp/1.0/WxappManager.SessionKey
  mqrpc describe wxapp/1.0/SessionKeyRequest
  mqrpc describe wxapp/1.0 --proto proto/wxapp/v1/wxapp.proto -I proto`,
		Args: usageArgs(cobra.ExactArgs(1)),
		RunE: func(command *cobra.Command, args []string) error {
			if err := load(options, command.Flags(), env.environ); err != nil {
				return &usageError{err}
			}
			address, err := contract.ParseAddress(args[0])
			if err != nil {
				return &usageError{err}
			}
			api, err := loadOnce(command.Context(), env, address.Key, files, broker)
			if err != nil {
				return err
			}
			text, err := elementText(api, address.Element)
			if err != nil {
				return err
			}
			_, err = fmt.Fprint(command.OutOrStdout(), text)
			return err
		},
	}
	command.Flags().SortFlags = false
	addContractFlags(command, &files)
	addOptions(command, options)
	return command
}

// loadOnce takes a contract from files, or connects and asks a worker for it.
func loadOnce(ctx context.Context, env environment, key contract.Key, files source.Files, broker brokerSettings) (api *contract.Contract, err error) {
	if files.Given() {
		return fileContract(ctx, key, files)
	}
	connected, err := openBus(ctx, env, broker, commandLogger(nil, false))
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, connected.close()) }()
	return describedContract(ctx, key, connected.client)
}

// elementText is the text of one element, of all services for "".
func elementText(api *contract.Contract, name string) (string, error) {
	if name == "" {
		text, err := printing.Services(api)
		return fmt.Sprintf("// %s, revision %s\n\n%s", api.Key, api.Revision, text), err
	}
	element, err := api.Find(name)
	if err != nil {
		return "", err
	}
	text, err := printing.Element(element)
	return fmt.Sprintf("// %s\n%s", element.FullName(), text), err
}
