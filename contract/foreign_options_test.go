package contract_test

import (
	"testing"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/types/descriptorpb"
	"google.golang.org/protobuf/types/dynamicpb"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/mqrpc/mqrpc/contract"
	mqrpcv1 "github.com/mqrpc/mqrpc/proto/mqrpc/v1"
)

// TestOptionsOfAnotherType: whoever compiles options.proto himself holds the
// options as dynamic messages.
func TestOptionsOfAnotherType(t *testing.T) {
	service := &descriptorpb.ServiceOptions{}
	proto.SetExtension(service, mqrpcv1.E_Service, &mqrpcv1.ServiceOptions{Module: "m", Version: "1.0"})
	method := &descriptorpb.MethodOptions{}
	proto.SetExtension(method, mqrpcv1.E_Method, &mqrpcv1.MethodOptions{Timeout: durationpb.New(time.Second)})
	file := &descriptorpb.FileDescriptorProto{
		Name: proto.String("a.proto"), Package: proto.String("a"), Syntax: proto.String("proto3"),
		MessageType: []*descriptorpb.DescriptorProto{{Name: proto.String("M")}},
		Service: []*descriptorpb.ServiceDescriptorProto{{
			Name: proto.String("S"), Options: dynamically(t, service),
			Method: []*descriptorpb.MethodDescriptorProto{{
				Name: proto.String("Do"), InputType: proto.String(".a.M"), OutputType: proto.String(".a.M"), Options: dynamically(t, method),
			}},
		}},
	}
	linked, err := protodesc.NewFile(file, nil)
	if err != nil {
		t.Fatal(err)
	}
	read, problems := contract.ReadService(linked.Services().Get(0))
	if len(problems) > 0 || read == nil || read.Key != (contract.Key{Module: "m", Version: "1.0"}) || read.Methods[0].Timeout != time.Second {
		t.Errorf("got %+v, %v", read, problems)
	}
}

// dynamically is the same message with its extensions as dynamic ones.
func dynamically[M proto.Message](t *testing.T, message M) M {
	t.Helper()
	types := new(protoregistry.Types)
	for _, option := range []protoreflect.ExtensionType{mqrpcv1.E_Service, mqrpcv1.E_Method} {
		if err := types.RegisterExtension(dynamicpb.NewExtensionType(option.TypeDescriptor().Descriptor())); err != nil {
			t.Fatal(err)
		}
	}
	encoded, err := proto.Marshal(message)
	if err != nil {
		t.Fatal(err)
	}
	again := message.ProtoReflect().New().Interface().(M)
	if err := (proto.UnmarshalOptions{Resolver: types}).Unmarshal(encoded, again); err != nil {
		t.Fatal(err)
	}
	return again
}
