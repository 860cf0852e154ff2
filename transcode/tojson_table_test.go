package transcode_test

import (
	"fmt"
	"testing"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/types/descriptorpb"
	"google.golang.org/protobuf/types/dynamicpb"

	"github.com/mqrpc/mqrpc/transcode"
)

// manyFields converts a message with 100 fields, each in a oneof of its own.
func manyFields(t testing.TB, optional bool, jsonName string) converter {
	t.Helper()
	many := &descriptorpb.DescriptorProto{Name: proto.String("Many")}
	for i := range 100 {
		many.OneofDecl = append(many.OneofDecl, &descriptorpb.OneofDescriptorProto{Name: proto.String(fmt.Sprintf("_f%d", i))})
		many.Field = append(many.Field, &descriptorpb.FieldDescriptorProto{
			Name: proto.String(fmt.Sprintf("f%d", i)), Number: proto.Int32(int32(i + 1)), OneofIndex: proto.Int32(int32(i)),
			JsonName: proto.String(fmt.Sprintf("%s%d", jsonName, i)), Proto3Optional: proto.Bool(optional),
			Label: descriptorpb.FieldDescriptorProto_LABEL_OPTIONAL.Enum(), Type: descriptorpb.FieldDescriptorProto_TYPE_INT32.Enum(),
		})
	}
	file, err := protodesc.NewFile(&descriptorpb.FileDescriptorProto{
		Name: proto.String("many.proto"), Syntax: proto.String("proto3"), MessageType: []*descriptorpb.DescriptorProto{many},
	}, nil)
	if err != nil {
		t.Fatal(err)
	}
	options := transcode.Options{Resolver: dynamicpb.NewTypes(nil)}
	made, err := transcode.New(file.Messages().Get(0), options)
	if err != nil {
		t.Fatal(err)
	}
	return converter{Message: made, options: options}
}

// TestManyOneofs has more oneofs than there are bits to tell them apart.
func TestManyOneofs(t *testing.T) {
	tests := map[string]struct {
		optional  bool
		jsonName  string
		fallbacks uint64
	}{
		"optional fields":   {optional: true, jsonName: "f"},
		"oneofs":            {jsonName: "f", fallbacks: 1},
		"names not UTF-8":   {optional: true, jsonName: "\xff"},
		"names with quotes": {optional: true, jsonName: `"\`},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			c := manyFields(t, test.optional, test.jsonName)
			var wire []byte
			for i := range 100 {
				wire = append(wire, number(protowire.Number(i+1), uint64(i))...)
			}
			if _, err := c.compareJSON(wire); err != nil {
				t.Error(err)
			}
			if c.Fallbacks() != test.fallbacks {
				t.Errorf("%d fallbacks", c.Fallbacks())
			}
		})
	}
}
