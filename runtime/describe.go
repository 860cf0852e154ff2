package runtime

import (
	"context"
	"fmt"
	"slices"
	"sync"

	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"

	"github.com/mqrpc/mqrpc/contract"
	mqrpcv1 "github.com/mqrpc/mqrpc/proto/mqrpc/v1"
	"github.com/mqrpc/mqrpc/wire"
)

// Describe asks a worker of (module, version) for the API that it serves. As
// with any call, the error wraps [ErrNoQueue] when there is no worker. A
// description that breaks the limits of contracts is an error; whether its files
// link is not looked at.
func Describe(ctx context.Context, caller Caller, module, version string) (*mqrpcv1.DescribeResponse, error) {
	return DescribeInstance(ctx, caller, module, version, "")
}

// DescribeInstance asks one instance, as [Describe] asks any: instances of one
// API may serve different revisions of its contract. The error wraps [ErrNoQueue]
// when the instance is gone.
func DescribeInstance(ctx context.Context, caller Caller, module, version, instance string) (*mqrpcv1.DescribeResponse, error) {
	method := describeMethod(module, version)
	reply, err := caller.Invoke(ctx, &Call{Method: method, Instance: instance, Metadata: OutgoingMetadata(ctx)})
	if err != nil {
		return nil, err
	}
	response := &mqrpcv1.DescribeResponse{}
	if err := contract.Unmarshal(reply.Payload, response); err != nil {
		return nil, Errorf(codes.Internal, "the worker's description of %s/%s cannot be decoded: %w", module, version, err)
	}
	return response, nil
}

func describeMethod(module, version string) *Method {
	return &Method{
		Module: module, Version: version, Name: wire.DescribeMethod, Idempotency: NoSideEffects,
		Request: (*mqrpcv1.DescribeRequest)(nil), Response: (*mqrpcv1.DescribeResponse)(nil),
	}
}

// description is what a worker says of one of its APIs. It is made on first
// use, when all services are registered and all descriptors are linked.
type description struct {
	module, version string
	services        []*Service

	once     sync.Once
	response *mqrpcv1.DescribeResponse
	err      error
}

func (d *description) get() (*mqrpcv1.DescribeResponse, error) {
	d.once.Do(func() { d.response, d.err = d.make() })
	return d.response, d.err
}

func (d *description) make() (*mqrpcv1.DescribeResponse, error) {
	names := make([]protoreflect.FullName, len(d.services))
	response := &mqrpcv1.DescribeResponse{Module: d.module, Version: d.version}
	for i, service := range d.services {
		names[i] = service.FullName
		response.Services = append(response.GetServices(), string(service.FullName))
	}
	files, err := contract.CollectServices(names...)
	if err != nil {
		return nil, Errorf(codes.FailedPrecondition, "the worker cannot describe its contract: %w", err)
	}
	response.Files, response.Revision = files, contract.Revision(files)
	return response, nil
}

// unserved are the services of the API that are in some files and that the
// worker does not serve, by their full names in order.
func (d *description) unserved(files *protoregistry.Files) []protoreflect.FullName {
	var unserved []protoreflect.FullName
	files.RangeFiles(func(file protoreflect.FileDescriptor) bool {
		for i := range file.Services().Len() {
			declared, _ := contract.ReadService(file.Services().Get(i))
			if declared == nil || declared.Key != (contract.Key{Module: d.module, Version: d.version}) {
				continue
			}
			if !slices.ContainsFunc(d.services, func(s *Service) bool { return s.FullName == declared.FullName() }) {
				unserved = append(unserved, declared.FullName())
			}
		}
		return true
	})
	slices.Sort(unserved)
	return unserved
}

// handler is the built-in method Describe of the API.
func (d *description) handler() MethodHandler {
	return Handle(describeMethod(d.module, d.version),
		func(context.Context, *mqrpcv1.DescribeRequest) (*mqrpcv1.DescribeResponse, error) { return d.get() })
}

// revision identifies the contract, "" if the worker cannot describe it.
func (d *description) revision() string {
	response, err := d.get()
	if err != nil {
		return ""
	}
	return response.GetRevision()
}

// serviceNames are the full names of the API's services, sorted.
func (d *description) serviceNames() []string {
	names := make([]string, len(d.services))
	for i, service := range d.services {
		names[i] = string(service.FullName)
	}
	slices.Sort(names)
	return names
}

// add notes a further service of the API.
func (d *description) add(service *Service) error {
	if slices.ContainsFunc(d.services, func(s *Service) bool { return s.Name == service.Name }) {
		return fmt.Errorf("service %s is registered twice for %s/%s", service.Name, d.module, d.version)
	}
	d.services = append(d.services, service)
	return nil
}
