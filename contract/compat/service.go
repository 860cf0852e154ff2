package compat

import (
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/descriptorpb"
)

func (c *checker) service(old, now protoreflect.ServiceDescriptor) {
	for i := range old.Methods().Len() {
		method := old.Methods().Get(i)
		if found := now.Methods().ByName(method.Name()); found != nil {
			c.method(method, found)
		} else {
			c.add(MethodRemoved, method, "the method is gone")
		}
	}
}

func (c *checker) method(old, now protoreflect.MethodDescriptor) {
	if old.IsStreamingClient() != now.IsStreamingClient() || old.IsStreamingServer() != now.IsStreamingServer() {
		c.add(MethodStreamingChanged, old, "whether it streams has changed")
	}
	if old.Input().FullName() == now.Input().FullName() {
		c.message(old.Input(), now.Input())
	} else {
		c.add(MethodRequestChanged, old, "the request was %s, is %s", old.Input().FullName(), now.Input().FullName())
	}
	if old.Output().FullName() == now.Output().FullName() {
		c.message(old.Output(), now.Output())
	} else {
		c.add(MethodResponseChanged, old, "the response was %s, is %s", old.Output().FullName(), now.Output().FullName())
	}
	if was, is := idempotency(old), idempotency(now); was != is && is == descriptorpb.MethodOptions_IDEMPOTENCY_UNKNOWN {
		c.add(MethodIdempotencyWeakened, old, "the idempotency_level was %s, is %s: calls are no longer repeated when a worker dies", was, is)
		c.breaks[len(c.breaks)-1].Warning = true
	}
}

func idempotency(method protoreflect.MethodDescriptor) descriptorpb.MethodOptions_IdempotencyLevel {
	options, _ := method.Options().(*descriptorpb.MethodOptions)
	return options.GetIdempotencyLevel()
}
