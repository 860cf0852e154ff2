package contract

import (
	"fmt"
	"strings"

	"google.golang.org/protobuf/reflect/protoreflect"
)

// Method finds a method, such as "WxappManager.SessionKey". The error of an
// unknown one names those that there are.
func (c *Contract) Method(name string) (*Method, error) {
	var known []string
	for _, service := range c.Services {
		for _, method := range service.Methods {
			if method.Address == name || string(method.FullName()) == name {
				return method, nil
			}
			known = append(known, method.Address)
		}
	}
	return nil, fmt.Errorf("%s has no method %q; it has %s", c.Key, name, strings.Join(known, ", "))
}

// Find finds a service, a method, a message or an enum by its full name, by the
// name that callers use, or by its last part if only one has it.
func (c *Contract) Find(name string) (protoreflect.Descriptor, error) {
	name = strings.TrimPrefix(name, ".")
	for _, service := range c.Services {
		if string(service.Name()) == name {
			return service.ServiceDescriptor, nil
		}
		for _, method := range service.Methods {
			if method.Address == name {
				return method.MethodDescriptor, nil
			}
		}
	}
	if descriptor, err := c.Resolver().files().FindDescriptorByName(protoreflect.FullName(name)); err == nil {
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

// called are the messages and enums whose name ends like this.
func (c *Contract) called(name string) []protoreflect.Descriptor {
	var found []protoreflect.Descriptor
	add := func(descriptor protoreflect.Descriptor) {
		if strings.HasSuffix("."+string(descriptor.FullName()), "."+name) {
			found = append(found, descriptor)
		}
	}
	for _, file := range c.files {
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
