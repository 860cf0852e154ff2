package registrytest

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/types/descriptorpb"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/mqrpc/mqrpc/contract"
	mqrpcv1 "github.com/mqrpc/mqrpc/proto/mqrpc/v1"
)

// API makes a valid API with one service, "Greeter", and one method, "Greet".
// Its messages have that many fields, so that another number is another,
// compatible revision.
func API(key contract.Key, sequence int64, fields int) *mqrpcv1.Api {
	return withFiles(key, sequence, descriptors(key, fields, ""))
}

// BigAPI makes an API like [API], with files of about that many bytes that do
// not compress.
func BigAPI(key contract.Key, sequence int64, size int) *mqrpcv1.Api {
	random := rand.New(rand.NewPCG(uint64(size), uint64(sequence)))
	var padding strings.Builder
	for padding.Len() < size {
		fmt.Fprintf(&padding, "%016x", random.Uint64())
	}
	return withFiles(key, sequence, descriptors(key, 1, padding.String()))
}

// Next is a copy of api, changed once more: with the next sequence and another
// timeout in its policy.
func Next(api *mqrpcv1.Api, timeout time.Duration) *mqrpcv1.Api {
	next := proto.CloneOf(api)
	next.Sequence++
	next.Deleted = false
	next.Policy = &mqrpcv1.Policy{Timeout: durationpb.New(timeout)}
	return next
}

// Tombstone is a copy of api, deleted with the next sequence.
func Tombstone(api *mqrpcv1.Api) *mqrpcv1.Api {
	tombstone := proto.CloneOf(api)
	tombstone.Sequence++
	tombstone.Deleted = true
	return tombstone
}

func withFiles(key contract.Key, sequence int64, files *descriptorpb.FileDescriptorSet) *mqrpcv1.Api {
	return &mqrpcv1.Api{
		Module:    key.Module,
		Version:   key.Version,
		Revision:  contract.Revision(files),
		Sequence:  sequence,
		Files:     files,
		Changed:   timestamppb.New(time.Date(2026, 3, 1, 12, 0, int(sequence%60), 0, time.UTC)),
		ChangedBy: "registrytest",
	}
}

// descriptors is the files of a service of (module, version), imports included.
func descriptors(key contract.Key, fields int, padding string) *descriptorpb.FileDescriptorSet {
	message := &descriptorpb.DescriptorProto{Name: proto.String("Greeting")}
	for i := range fields {
		message.Field = append(message.Field, &descriptorpb.FieldDescriptorProto{
			Name:     proto.String(fmt.Sprintf("field%d", i+1)),
			JsonName: proto.String(fmt.Sprintf("field%d", i+1)),
			Number:   proto.Int32(int32(i) + 1),
			Label:    descriptorpb.FieldDescriptorProto_LABEL_OPTIONAL.Enum(),
			Type:     descriptorpb.FieldDescriptorProto_TYPE_STRING.Enum(),
		})
	}
	// Names may be long; a reserved name is one that nobody misses.
	for i := 0; i < len(padding); i += 1024 {
		message.ReservedName = append(message.ReservedName, "x"+padding[i:min(i+1024, len(padding))])
	}
	options := &descriptorpb.ServiceOptions{}
	proto.SetExtension(options, mqrpcv1.E_Service, &mqrpcv1.ServiceOptions{Module: key.Module, Version: key.Version})
	file := &descriptorpb.FileDescriptorProto{
		Name:        proto.String("greeter.proto"),
		Package:     proto.String("greeter.v1"),
		Syntax:      proto.String("proto3"),
		Dependency:  []string{"mqrpc/v1/options.proto"},
		MessageType: []*descriptorpb.DescriptorProto{message},
		Service: []*descriptorpb.ServiceDescriptorProto{{
			Name:    proto.String("Greeter"),
			Options: options,
			Method: []*descriptorpb.MethodDescriptorProto{{
				Name:       proto.String("Greet"),
				InputType:  proto.String(".greeter.v1.Greeting"),
				OutputType: proto.String(".greeter.v1.Greeting"),
			}},
		}},
	}
	return &descriptorpb.FileDescriptorSet{File: []*descriptorpb.FileDescriptorProto{
		protodesc.ToFileDescriptorProto(descriptorpb.File_google_protobuf_descriptor_proto),
		protodesc.ToFileDescriptorProto(durationpb.File_google_protobuf_duration_proto),
		protodesc.ToFileDescriptorProto(mqrpcv1.File_mqrpc_v1_options_proto),
		file,
	}}
}
