package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strings"

	"github.com/bufbuild/protocompile"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/types/known/structpb"

	"github.com/mqrpc/mqrpc/runtime"
	"github.com/mqrpc/mqrpc/runtime/rabbitmq"
)

// unheardCommand makes the test binary a worker of an API that no program in
// this repository has compiled in, at the broker that its argument names.
const unheardCommand = "test-unheard-worker"

// unheardProto is the contract of that API; %s is for what a later revision
// adds.
const unheardProto = `syntax = "proto3";
package unheard.v1;
import "google/protobuf/struct.proto";
import "mqrpc/v1/options.proto";
service Echo {
  option (mqrpc.v1.service) = { module: "unheard" version: "1.0" };
  rpc Say(google.protobuf.Struct) returns (google.protobuf.Struct) {
    option idempotency_level = NO_SIDE_EFFECTS;
  }
  %s
}
`

// unheardFile is the name of the file.
const unheardFile = "unheard/v1/echo.proto"

// runUnheardWorker serves until the standard input ends.
func runUnheardWorker(url string) (err error) {
	if err := registerUnheard(); err != nil {
		return err
	}
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		stop()
	}()
	logger := slog.New(slog.DiscardHandler)
	transport, err := rabbitmq.Connect(rabbitmq.Config{URLs: []string{url}, Logger: logger})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, closeWithin(busStopTimeout, transport.Close)) }()
	worker := runtime.NewWorker(transport, runtime.WorkerConfig{Logger: logger})
	method := &runtime.Method{
		Module: "unheard", Version: "1.0", Name: "Echo.Say", Idempotency: runtime.NoSideEffects,
		Request: &structpb.Struct{}, Response: &structpb.Struct{},
	}
	worker.Register(
		&runtime.Service{Module: "unheard", Version: "1.0", Name: "Echo", FullName: "unheard.v1.Echo", Methods: []*runtime.Method{method}},
		runtime.Handle(method, func(_ context.Context, request *structpb.Struct) (*structpb.Struct, error) { return request, nil }),
	)
	go func() {
		<-worker.Ready()
		_, _ = fmt.Fprintln(os.Stdout, demoReady)
	}()
	return worker.Run(ctx)
}

// registerUnheard gives this process the descriptors, as generated code would.
func registerUnheard() error {
	compiler := protocompile.Compiler{Resolver: protocompile.CompositeResolver{
		&protocompile.SourceResolver{Accessor: func(path string) (io.ReadCloser, error) {
			if path != unheardFile {
				return nil, os.ErrNotExist
			}
			return io.NopCloser(strings.NewReader(fmt.Sprintf(unheardProto, ""))), nil
		}},
		protocompile.ResolverFunc(func(path string) (protocompile.SearchResult, error) {
			file, err := protoregistry.GlobalFiles.FindFileByPath(path)
			return protocompile.SearchResult{Desc: file}, err
		}),
	}}
	files, err := compiler.Compile(context.Background(), unheardFile)
	if err != nil {
		return err
	}
	return protoregistry.GlobalFiles.RegisterFile(files[0])
}
