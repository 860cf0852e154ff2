package contract

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/descriptorpb"
)

// Contract is the contract of one API, linked. It is immutable and safe for
// concurrent use.
type Contract struct {
	// Key names the API.
	Key Key
	// Revision identifies the contract.
	Revision string
	// Services are those of the API, in the order of the files.
	Services []*Service

	files    []protoreflect.FileDescriptor // each after its imports
	resolver *Resolver
}

// Service is a service of a contract.
type Service struct {
	protoreflect.ServiceDescriptor

	// Key names the API that the service belongs to.
	Key Key
	// Methods are in the order of the .proto file.
	Methods []*Method
}

// Method is a method of a contract.
type Method struct {
	protoreflect.MethodDescriptor

	// Key names the API that the method belongs to.
	Key Key
	// Address is what callers call inside the API: "WxappManager.SessionKey".
	Address string
	// Timeout is the longest that a caller waits for the reply. Zero: the
	// contract does not say.
	Timeout time.Duration
	// Idempotency says whether a call may run more than once.
	Idempotency descriptorpb.MethodOptions_IdempotencyLevel
}

// String is the method's address for people: "wxapp/1.0/WxappManager.SessionKey".
func (m *Method) String() string { return Address{Key: m.Key, Element: m.Address}.String() }

// Link links an API's files, each after those that it imports, and reads its
// services: those that name the API's module and version. It ends with an error
// when ctx does. Any other error says what is wrong with the contract: the files
// do not link, or the services break a rule that protoc-gen-mqrpc holds them to.
func Link(ctx context.Context, key Key, files *descriptorpb.FileDescriptorSet) (*Contract, error) {
	c, err := newContract(ctx, key, files)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", key, err)
	}
	return c, nil
}

// Find links the contract of an API in files that may hold more than that, in any
// order, with or without comments.
func Find(ctx context.Context, key Key, files *descriptorpb.FileDescriptorSet) (*Contract, error) {
	apis, err := split(files)
	if err != nil {
		return nil, err
	}
	var others []string
	for _, api := range apis {
		if KeyOf(api) == key {
			return Link(ctx, key, withComments(api.GetFiles(), files))
		}
		others = append(others, KeyOf(api).String())
	}
	return nil, fmt.Errorf("the files declare no %s; they declare %s", key, strings.Join(others, ", "))
}

// withComments gives files the source information that split has dropped.
func withComments(files, of *descriptorpb.FileDescriptorSet) *descriptorpb.FileDescriptorSet {
	comments := make(map[string]*descriptorpb.SourceCodeInfo)
	for _, file := range of.GetFile() {
		comments[file.GetName()] = file.GetSourceCodeInfo()
	}
	for _, file := range files.GetFile() {
		file.SourceCodeInfo = comments[file.GetName()]
	}
	return files
}

func newContract(ctx context.Context, key Key, files *descriptorpb.FileDescriptorSet) (*Contract, error) {
	if err := key.Check(); err != nil {
		return nil, err
	}
	linked, err := link(ctx, files)
	if err != nil {
		return nil, err
	}
	c := &Contract{Key: key, Revision: Revision(files), files: linked, resolver: newResolver(linked)}
	names := make(map[protoreflect.Name]protoreflect.FullName)
	for _, file := range linked {
		for i := range file.Services().Len() {
			descriptor := file.Services().Get(i)
			if of, ok := serviceKey(descriptor.Options()); !ok || of != key {
				continue
			}
			service, err := newService(key, descriptor)
			if err != nil {
				return nil, err
			}
			if other, taken := names[service.Name()]; taken {
				return nil, fmt.Errorf("the services %s and %s share the short name %s", other, service.FullName(), service.Name())
			}
			names[service.Name()] = service.FullName()
			c.Services = append(c.Services, service)
		}
	}
	if len(c.Services) == 0 {
		return nil, errors.New("no service in its files names this module and version")
	}
	return c, nil
}

// Descriptors are those of the services.
func (c *Contract) Descriptors() []protoreflect.ServiceDescriptor {
	descriptors := make([]protoreflect.ServiceDescriptor, len(c.Services))
	for i, service := range c.Services {
		descriptors[i] = service.ServiceDescriptor
	}
	return descriptors
}

// Resolver finds the contract's types, and those that are linked into the
// program.
func (c *Contract) Resolver() *Resolver { return c.resolver }
