package contract

import (
	"fmt"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/descriptorpb"
	"google.golang.org/protobuf/types/known/durationpb"

	mqrpcv1 "github.com/mqrpc/mqrpc/proto/mqrpc/v1"
)

// MinTimeout and MaxTimeout bound the timeouts of contracts and policies.
const (
	MinTimeout = time.Millisecond
	MaxTimeout = 24 * time.Hour
)

// CheckTimeout returns an error that says what is wrong with a timeout, nil when
// nothing is.
func CheckTimeout(timeout *durationpb.Duration) error {
	if timeout == nil {
		return nil
	}
	if err := timeout.CheckValid(); err != nil {
		return fmt.Errorf("timeout: %w", err)
	}
	if d := timeout.AsDuration(); d < MinTimeout || d > MaxTimeout {
		return fmt.Errorf("the timeout is %s: it must be %s to %s", d, MinTimeout, MaxTimeout)
	}
	return nil
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

func newService(key Key, descriptor protoreflect.ServiceDescriptor) (*Service, error) {
	service := &Service{ServiceDescriptor: descriptor, Key: key}
	for i := range descriptor.Methods().Len() {
		method, err := newMethod(key, descriptor.Methods().Get(i))
		if err != nil {
			return nil, err
		}
		service.Methods = append(service.Methods, method)
	}
	return service, nil
}

func newMethod(key Key, descriptor protoreflect.MethodDescriptor) (*Method, error) {
	method := &Method{
		MethodDescriptor: descriptor,
		Key:              key,
		Address:          string(descriptor.Parent().Name()) + "." + string(descriptor.Name()),
	}
	if err := CheckMethod(method.Address); err != nil {
		return nil, err
	}
	if descriptor.IsStreamingClient() || descriptor.IsStreamingServer() {
		return nil, fmt.Errorf("%s streams, which mqrpc does not do", descriptor.FullName())
	}
	options, ok := descriptor.Options().(*descriptorpb.MethodOptions)
	if !ok {
		return method, nil
	}
	method.Idempotency = options.GetIdempotencyLevel()
	if own, ok := proto.GetExtension(options, mqrpcv1.E_Method).(*mqrpcv1.MethodOptions); ok && own.GetTimeout() != nil {
		if err := CheckTimeout(own.GetTimeout()); err != nil {
			return nil, fmt.Errorf("%s: %w", descriptor.FullName(), err)
		}
		method.Timeout = own.GetTimeout().AsDuration()
	}
	return method, nil
}
