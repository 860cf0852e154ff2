package cli

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"
	_ "google.golang.org/genproto/googleapis/rpc/errdetails" // the usual details of errors, for resolvers
	"google.golang.org/protobuf/types/descriptorpb"

	"github.com/mqrpc/mqrpc/contract"
	"github.com/mqrpc/mqrpc/contract/source"
	"github.com/mqrpc/mqrpc/runtime"
)

// addContractFlags defines the flags that name files to be used instead of a
// worker's own account of its API.
func addContractFlags(command *cobra.Command, files *source.Files) {
	flags := command.Flags()
	flags.StringArrayVar(&files.Protosets, "protoset", nil, "take the contract from a protoset or buf image instead of asking the worker")
	flags.StringArrayVar(&files.Protos, "proto", nil, "take the contract from a .proto file instead of asking the worker")
	flags.StringArrayVarP(&files.ImportPaths, "import-path", "I", nil, "directory that the imports of .proto files are relative to (default: the working directory)")
}

// fileContract takes the contract from files.
func fileContract(ctx context.Context, key contract.Key, files source.Files) (*contract.Contract, error) {
	set, err := files.Load(ctx)
	if err != nil {
		return nil, err
	}
	return contract.Find(ctx, key, set)
}

// describedContract asks a worker.
func describedContract(ctx context.Context, key contract.Key, caller runtime.Caller) (*contract.Contract, error) {
	files, err := workerFiles(ctx, key, caller)
	if err != nil {
		return nil, err
	}
	found, err := contract.Find(ctx, key, files)
	if err != nil {
		return nil, fmt.Errorf("the worker's account of %s cannot be used: %w", key, err)
	}
	return found, nil
}

// workerFiles asks a worker for the files of its contract.
func workerFiles(ctx context.Context, key contract.Key, caller runtime.Caller) (*descriptorpb.FileDescriptorSet, error) {
	description, err := runtime.Describe(ctx, caller, key.Module, key.Version)
	switch {
	case errors.Is(err, runtime.ErrNoWorker):
		return nil, &statusError{failure: runtime.NewError(runtime.CodeOf(err),
			"no worker serves "+key.String()+": start one, or see with mqrpc list which APIs are served")}
	case err != nil:
		return nil, &statusError{failure: runtime.AsError(err)}
	}
	return description.GetFiles(), nil
}
