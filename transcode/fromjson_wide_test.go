package transcode_test

import (
	"fmt"
	"testing"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/types/descriptorpb"
	"google.golang.org/protobuf/types/dynamicpb"

	"github.com/mqrpc/mqrpc/transcode"
)

// wideConverter converts a message with n fields, of which every third is
// required, and with itself inside.
func wideConverter(t testing.TB, n int) converter {
	t.Helper()
	wide := &descriptorpb.DescriptorProto{Name: proto.String("Wide")}
	for i := range n {
		label := descriptorpb.FieldDescriptorProto_LABEL_OPTIONAL
		if i%3 == 0 {
			label = descriptorpb.FieldDescriptorProto_LABEL_REQUIRED
		}
		wide.Field = append(wide.Field, &descriptorpb.FieldDescriptorProto{
			Name: proto.String(fmt.Sprintf("f%d", i)), Number: proto.Int32(int32(i + 1)),
			Label: label.Enum(), Type: descriptorpb.FieldDescriptorProto_TYPE_INT32.Enum(),
		})
	}
	wide.Field = append(wide.Field, &descriptorpb.FieldDescriptorProto{
		Name: proto.String("nested"), Number: proto.Int32(int32(n + 1)), TypeName: proto.String(".Wide"),
		Label: descriptorpb.FieldDescriptorProto_LABEL_OPTIONAL.Enum(),
		Type:  descriptorpb.FieldDescriptorProto_TYPE_MESSAGE.Enum(),
	})
	file, err := protodesc.NewFile(&descriptorpb.FileDescriptorProto{
		Name: proto.String("wide.proto"), Syntax: proto.String("proto2"), MessageType: []*descriptorpb.DescriptorProto{wide},
	}, nil)
	if err != nil {
		t.Fatal(err)
	}
	options := transcode.Options{DiscardUnknown: true, Resolver: dynamicpb.NewTypes(nil)}
	made, err := transcode.New(file.Messages().Get(0), options)
	if err != nil {
		t.Fatal(err)
	}
	return converter{Message: made, options: options}
}
