package runtime

import (
	"google.golang.org/protobuf/types/descriptorpb"
	"google.golang.org/protobuf/types/dynamicpb"

	"github.com/mqrpc/mqrpc/contract"
)

// ServicesOf makes the services of a contract that nobody compiled in. Their
// messages are dynamic ones.
func ServicesOf(c *contract.Contract) []*Service {
	services := make([]*Service, len(c.Services))
	for i, from := range c.Services {
		services[i] = &Service{
			Module:   from.Key.Module,
			Version:  from.Key.Version,
			Name:     string(from.Name()),
			FullName: from.FullName(),
		}
		for _, method := range from.Methods {
			services[i].Methods = append(services[i].Methods, MethodOf(method))
		}
	}
	return services
}

// MethodOf makes a method of a contract that nobody compiled in. Its messages
// are dynamic ones.
func MethodOf(from *contract.Method) *Method {
	return &Method{
		Module:      from.Key.Module,
		Version:     from.Key.Version,
		Name:        from.Address,
		Timeout:     from.Timeout,
		Idempotency: idempotencyOf(from),
		Request:     dynamicpb.NewMessage(from.Input()),
		Response:    dynamicpb.NewMessage(from.Output()),
	}
}

func idempotencyOf(method *contract.Method) Idempotency {
	switch method.Idempotency {
	case descriptorpb.MethodOptions_NO_SIDE_EFFECTS:
		return NoSideEffects
	case descriptorpb.MethodOptions_IDEMPOTENT:
		return Idempotent
	default:
		return IdempotencyUnknown
	}
}
