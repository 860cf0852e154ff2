package registry

import (
	"errors"
	"fmt"
	"strings"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/types/descriptorpb"
	"google.golang.org/protobuf/types/dynamicpb"

	mqrpcv1 "github.com/mqrpc/mqrpc/proto/mqrpc/v1"
	"github.com/mqrpc/mqrpc/runtime"
	"github.com/mqrpc/mqrpc/wire"
)

// Services links an API's files and returns its services, in the order of the
// files: those that name the API's module and version, with their methods'
// types, timeouts and idempotency. Their messages are dynamic ones.
//
// ErrInvalid: the files do not link, or the services break a rule that
// protoc-gen-mqrpc holds them to.
func Services(api *mqrpcv1.Api) ([]*runtime.Service, error) {
	services, err := services(KeyOf(api), api.GetFiles())
	if err != nil {
		return nil, fmt.Errorf("%w: %s: %w", ErrInvalid, KeyOf(api), err)
	}
	return services, nil
}

func services(key Key, files *descriptorpb.FileDescriptorSet) ([]*runtime.Service, error) {
	descriptors, err := serviceDescriptors(key, files)
	if err != nil {
		return nil, err
	}
	found := make([]*runtime.Service, 0, len(descriptors))
	names := make(map[string]protoreflect.FullName)
	for _, descriptor := range descriptors {
		service, err := service(key, descriptor)
		if err != nil {
			return nil, err
		}
		if other, taken := names[service.Name]; taken {
			return nil, fmt.Errorf("the services %s and %s share the short name %s", other, service.FullName, service.Name)
		}
		names[service.Name] = service.FullName
		found = append(found, service)
	}
	if len(found) == 0 {
		return nil, errors.New("no service in its files names this module and version")
	}
	return found, nil
}

// serviceDescriptors links files and returns the services of an API.
func serviceDescriptors(key Key, files *descriptorpb.FileDescriptorSet) ([]protoreflect.ServiceDescriptor, error) {
	linked, err := link(files)
	if err != nil {
		return nil, err
	}
	var found []protoreflect.ServiceDescriptor
	for _, file := range linked {
		for i := range file.Services().Len() {
			descriptor := file.Services().Get(i)
			if of, ok := serviceKey(descriptor.Options()); ok && of == key {
				found = append(found, descriptor)
			}
		}
	}
	return found, nil
}

// link builds descriptors, each file after its imports. Of protobuf's own files
// this process's are used: every API imports some, and sharing them saves most
// of the memory that a small API takes.
func link(files *descriptorpb.FileDescriptorSet) ([]protoreflect.FileDescriptor, error) {
	set := new(protoregistry.Files)
	var linked []protoreflect.FileDescriptor
	for _, file := range files.GetFile() {
		if shared, err := sharedFile(file.GetName()); err == nil {
			if err := set.RegisterFile(shared); err != nil {
				return nil, err
			}
			continue
		}
		descriptor, err := protodesc.NewFile(file, set)
		if err != nil {
			return nil, err
		}
		if err := set.RegisterFile(descriptor); err != nil {
			return nil, err
		}
		linked = append(linked, descriptor)
	}
	return linked, nil
}

// sharedFile returns this process's edition of one of protobuf's own files.
func sharedFile(name string) (protoreflect.FileDescriptor, error) {
	if !strings.HasPrefix(name, "google/protobuf/") {
		return nil, protoregistry.NotFound
	}
	return protoregistry.GlobalFiles.FindFileByPath(name)
}

// serviceKey reads the API out of a service's options; false if the service is
// none of mqrpc's.
func serviceKey(options protoreflect.ProtoMessage) (Key, bool) {
	set, ok := options.(*descriptorpb.ServiceOptions)
	if !ok || !proto.HasExtension(set, mqrpcv1.E_Service) {
		return Key{}, false
	}
	service, ok := proto.GetExtension(set, mqrpcv1.E_Service).(*mqrpcv1.ServiceOptions)
	return Key{Module: service.GetModule(), Version: service.GetVersion()}, ok
}

func service(key Key, descriptor protoreflect.ServiceDescriptor) (*runtime.Service, error) {
	if err := key.Check(); err != nil {
		return nil, fmt.Errorf("%s: %w", descriptor.FullName(), err)
	}
	service := &runtime.Service{
		Module:   key.Module,
		Version:  key.Version,
		Name:     string(descriptor.Name()),
		FullName: descriptor.FullName(),
	}
	for i := range descriptor.Methods().Len() {
		method, err := method(key, descriptor.Methods().Get(i))
		if err != nil {
			return nil, err
		}
		service.Methods = append(service.Methods, method)
	}
	return service, nil
}

func method(key Key, descriptor protoreflect.MethodDescriptor) (*runtime.Method, error) {
	method := &runtime.Method{
		Module:      key.Module,
		Version:     key.Version,
		Name:        string(descriptor.Parent().Name()) + "." + string(descriptor.Name()),
		Idempotency: runtime.IdempotencyUnknown,
		Request:     dynamicpb.NewMessage(descriptor.Input()),
		Response:    dynamicpb.NewMessage(descriptor.Output()),
	}
	if err := wire.CheckMethod(method.Name); err != nil {
		return nil, err
	}
	if descriptor.IsStreamingClient() || descriptor.IsStreamingServer() {
		return nil, fmt.Errorf("%s streams, which mqrpc does not do", descriptor.FullName())
	}
	options, ok := descriptor.Options().(*descriptorpb.MethodOptions)
	if !ok {
		return method, nil
	}
	switch options.GetIdempotencyLevel() {
	case descriptorpb.MethodOptions_NO_SIDE_EFFECTS:
		method.Idempotency = runtime.NoSideEffects
	case descriptorpb.MethodOptions_IDEMPOTENT:
		method.Idempotency = runtime.Idempotent
	case descriptorpb.MethodOptions_IDEMPOTENCY_UNKNOWN:
	}
	if own, ok := proto.GetExtension(options, mqrpcv1.E_Method).(*mqrpcv1.MethodOptions); ok && own.GetTimeout() != nil {
		if err := validateTimeout(own.GetTimeout()); err != nil {
			return nil, fmt.Errorf("%s: %w", descriptor.FullName(), err)
		}
		method.Timeout = own.GetTimeout().AsDuration()
	}
	return method, nil
}
