package contract

import (
	"fmt"
	"strings"

	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/mqrpc/mqrpc/runtime"
)

// Method finds a method, such as "WxappManager.SessionKey". The error of an
// unknown one names those that there are.
func (c *Contract) Method(name string) (*runtime.Method, error) {
	var known []string
	for _, service := range c.Services {
		for _, method := range service.Methods {
			if method.Name == name || string(service.FullName)+strings.TrimPrefix(method.Name, service.Name) == name {
				return method, nil
			}
			known = append(known, method.Name)
		}
	}
	return nil, fmt.Errorf("%s has no method %q; it has %s", c.Key, name, strings.Join(known, ", "))
}

// Find finds a service, a method, a message or an enum by its full name, by the
// name that callers use, or by its last part if only one has it.
func (c *Contract) Find(name string) (protoreflect.Descriptor, error) {
	name = strings.TrimPrefix(name, ".")
	for _, service := range c.services() {
		if string(service.Name()) == name {
			return service, nil
		}
		method, found := strings.CutPrefix(name, string(service.Name())+".")
		if descriptor := service.Methods().ByName(protoreflect.Name(method)); found && descriptor != nil {
			return descriptor, nil
		}
	}
	if descriptor, err := c.files.FindDescriptorByName(protoreflect.FullName(name)); err == nil {
		return descriptor, nil
	}
	candidates := c.called(name)
	switch len(candidates) {
	case 0:
		return nil, fmt.Errorf("%s has no service, method, message or enum %q; mqrpc describe %s shows its services", c.Key, name, c.Key)
	case 1:
		return candidates[0], nil
	}
	names := make([]string, len(candidates))
	for i, candidate := range candidates {
		names[i] = string(candidate.FullName())
	}
	return nil, fmt.Errorf("%q may be one of %s: write the full name", name, strings.Join(names, ", "))
}

// services are the descriptors of the API's services.
func (c *Contract) services() []protoreflect.ServiceDescriptor {
	var found []protoreflect.ServiceDescriptor
	for _, service := range c.Services {
		if descriptor, err := c.files.FindDescriptorByName(service.FullName); err == nil {
			found = append(found, descriptor.(protoreflect.ServiceDescriptor))
		}
	}
	return found
}

// called are the messages and enums whose name ends like this.
func (c *Contract) called(name string) []protoreflect.Descriptor {
	var found []protoreflect.Descriptor
	add := func(descriptor protoreflect.Descriptor) {
		if strings.HasSuffix("."+string(descriptor.FullName()), "."+name) {
			found = append(found, descriptor)
		}
	}
	for _, file := range c.ordered {
		eachType(file, add)
	}
	return found
}

// types is a file or a message.
type types interface {
	Messages() protoreflect.MessageDescriptors
	Enums() protoreflect.EnumDescriptors
}

// eachType visits all messages and enums, nested ones among them.
func eachType(in types, visit func(protoreflect.Descriptor)) {
	for i := range in.Messages().Len() {
		visit(in.Messages().Get(i))
		eachType(in.Messages().Get(i), visit)
	}
	for i := range in.Enums().Len() {
		visit(in.Enums().Get(i))
	}
}
