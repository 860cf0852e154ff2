package runtime

import (
	"slices"
	"testing"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/types/descriptorpb"

	mqrpcv1 "github.com/mqrpc/mqrpc/proto/mqrpc/v1"
)

// TestUnservedServices finds the services of an API that a program knows and
// does not register, in whichever file they are.
func TestUnservedServices(t *testing.T) {
	files := new(protoregistry.Files)
	for name, services := range map[string]map[string]string{
		"a.proto": {"Greeter": "1.0", "Admin": "1.0", "Later": "2.0"},
		"b.proto": {"Batch": "1.0", "Foreign": ""},
	} {
		file := &descriptorpb.FileDescriptorProto{Name: proto.String(name), Package: proto.String("p"), Syntax: proto.String("proto3")}
		for service, version := range services {
			options := &descriptorpb.ServiceOptions{}
			if version != "" {
				proto.SetExtension(options, mqrpcv1.E_Service, &mqrpcv1.ServiceOptions{Module: "m", Version: version})
			}
			file.Service = append(file.Service, &descriptorpb.ServiceDescriptorProto{Name: proto.String(service), Options: options})
		}
		linked, err := protodesc.NewFile(file, nil)
		if err != nil {
			t.Fatal(err)
		}
		if err := files.RegisterFile(linked); err != nil {
			t.Fatal(err)
		}
	}
	d := &description{module: "m", version: "1.0", services: []*Service{{FullName: "p.Greeter"}}}
	if got, want := d.unserved(files), []protoreflect.FullName{"p.Admin", "p.Batch"}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}
