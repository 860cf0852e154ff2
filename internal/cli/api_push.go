package cli

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"
	"google.golang.org/protobuf/types/descriptorpb"

	"github.com/mqrpc/mqrpc/contract"
	"github.com/mqrpc/mqrpc/contract/source"
	mqrpcv1 "github.com/mqrpc/mqrpc/proto/mqrpc/v1"
)

// push is where contracts come from.
type push struct {
	files  source.Files
	worker string
	force  bool
	pin    bool
}

func newPushCommand(env environment) *cobra.Command {
	var p push
	command := &cobra.Command{
		Use:   "push [FILE.proto...]",
		Short: "Make contracts those of their APIs",
		Long: `Read contracts and push every API that they declare: from .proto files, from
protosets or buf images, or from a running worker. mqrpc/v1/options.proto and
protobuf's own files need not be there.

The names by which files import one another are part of a contract, so give the
same import paths as to protoc or buf; the revision is then that of the workers.

A contract that breaks the stored one is refused with the exit code 3, naming
every break, unless --force is given. The policy stays as it is.

Gateways use the contract that is a compatible successor of all others: the
registry's, or that of a running instance. With --pin they use the pushed one,
whatever instances serve; the next push without it ends that.`,
		Example: `  mqrpc api push proto/wxapp/v1/wxapp.proto -I proto
  buf build -o wxapp.binpb && mqrpc api push --protoset wxapp.binpb
  mqrpc api push --from-worker wxapp/1.0 --amqp-url amqp://broker/`,
	}
	a := newAdmin(env, command, true, func(ctx context.Context, a *admin, args []string) error {
		p.files.Protos = args
		return p.run(ctx, a)
	})
	flags := command.Flags()
	flags.StringArrayVar(&p.files.Protosets, "protoset", nil, "protoset or buf image to push")
	flags.StringVar(&p.worker, "from-worker", "", "API whose worker is asked for its contract, as module/version")
	flags.StringArrayVarP(&p.files.ImportPaths, "import-path", "I", nil, "directory that the imports of .proto files are relative to (default: the working directory)")
	flags.BoolVar(&p.force, "force", false, "push contracts that break the stored ones, too")
	flags.BoolVar(&p.pin, "pin", false, "keep the contracts in effect even while instances serve their successors")
	a.askFirst()
	return a.complete()
}

func (p *push) run(ctx context.Context, a *admin) error {
	if p.files.Given() == (p.worker != "") {
		return &usageError{errors.New("name what to push: .proto files, --protoset or --from-worker")}
	}
	if p.force {
		if err := a.confirm("Push even what breaks stored contracts?"); err != nil {
			return err
		}
	}
	files, err := p.load(ctx, a)
	if err != nil {
		return err
	}
	apis, err := contract.Split(ctx, files)
	if err != nil {
		return err
	}
	apis, err = p.wanted(apis)
	if err != nil {
		return err
	}
	return a.change(ctx, func(c changer) error {
		var errs []error
		for _, api := range apis {
			api.Pinned = p.pin
			result, err := c.Push(ctx, api, p.force)
			if err == nil {
				a.tell("pushed", result, c.way)
			}
			errs = append(errs, err)
		}
		return errors.Join(errs...)
	})
}

// load gets the files.
func (p *push) load(ctx context.Context, a *admin) (files *descriptorpb.FileDescriptorSet, err error) {
	if p.worker == "" {
		return p.files.Load(ctx)
	}
	key, err := parseKey(p.worker)
	if err != nil {
		return nil, err
	}
	connected, err := openBus(ctx, a.env, a.broker, commandLogger(nil, false))
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, connected.close()) }()
	return workerFiles(ctx, key, connected.client)
}

// wanted leaves out what a worker's files declare besides the API that was
// asked for.
func (p *push) wanted(apis []*mqrpcv1.Api) ([]*mqrpcv1.Api, error) {
	if p.worker == "" {
		return apis, nil
	}
	for _, api := range apis {
		if contract.KeyOf(api).String() == p.worker {
			return []*mqrpcv1.Api{api}, nil
		}
	}
	return nil, fmt.Errorf("the worker's account of %s cannot be used: it declares no such API", p.worker)
}
