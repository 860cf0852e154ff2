package contract

import (
	"context"
	"errors"
	"fmt"

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

func newContract(ctx context.Context, key Key, files *descriptorpb.FileDescriptorSet) (*Contract, error) {
	if err := key.Check(); err != nil {
		return nil, err
	}
	if err := Check(files); err != nil {
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
			service, problems := ReadService(file.Services().Get(i))
			if service == nil || service.Key != key {
				continue
			}
			if len(problems) > 0 {
				return nil, problems[0]
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
