package transcode_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/descriptorpb"

	"github.com/mqrpc/mqrpc/transcode"
)

// TestJSONIsBounded: few bytes on the wire that stand for long names become no
// more JSON than is allowed, on either path, nor take much memory to find out.
func TestJSONIsBounded(t *testing.T) {
	const limit = 1 << 20
	descriptor := longNames(t)
	field := func(number protowire.Number, content []byte) []byte {
		return protowire.AppendBytes(protowire.AppendTag(nil, number, protowire.BytesType), content)
	}
	one := protowire.AppendVarint(protowire.AppendTag(nil, 1, protowire.VarintType), 1)
	entry := func(i int) []byte {
		key := protowire.AppendVarint(protowire.AppendTag(nil, 1, protowire.VarintType), uint64(i))
		return append(key, protowire.AppendVarint(protowire.AppendTag(nil, 2, protowire.VarintType), 1)...)
	}
	many := func(part func(i int) []byte) (wire []byte) {
		for i := range 10_000 {
			wire = append(wire, part(i)...)
		}
		return wire
	}
	twice := slices.Concat(one, one) // for the fallback to judge
	for name, wire := range map[string][]byte{
		"packed enums": field(2, []byte(strings.Repeat("\x01", 10_000))),
		"enums":        many(func(int) []byte { return protowire.AppendVarint(protowire.AppendTag(nil, 2, protowire.VarintType), 1) }),
		"messages":     many(func(int) []byte { return field(3, one) }),
		"map":          many(func(i int) []byte { return field(4, entry(i)) }),
		"unset fields": many(func(int) []byte { return field(3, nil) }),
	} {
		for _, unpopulated := range []bool{false, true} {
			if name == "unset fields" && !unpopulated {
				continue
			}
			message, err := transcode.New(descriptor, transcode.Options{MaxJSON: limit, EmitUnpopulated: unpopulated})
			if err != nil {
				t.Fatal(err)
			}
			for path, wire := range map[string][]byte{"straight": wire, "fallback": slices.Concat(twice, wire)} {
				t.Run(fmt.Sprintf("%s/%v/%s", name, unpopulated, path), func(t *testing.T) {
					var out []byte
					var err error
					bytes := allocatedBytes(func() { out, err = message.AppendJSON(nil, wire) })
					if err == nil || !strings.Contains(err.Error(), "longer than") || len(out) > 0 {
						t.Fatalf("got %d bytes, error %.200v", len(out), err)
					}
					if bytes > 10*limit {
						t.Errorf("it took %d bytes", bytes)
					}
				})
			}
		}
	}
	message, err := transcode.New(descriptor, transcode.Options{MaxJSON: limit})
	if err != nil {
		t.Fatal(err)
	}
	for path, wire := range map[string][]byte{"straight": field(2, []byte(strings.Repeat("\x01", 1000))), "fallback": slices.Concat(twice, field(2, []byte{1}))} {
		if out, err := message.AppendJSON(nil, wire); err != nil || !strings.Contains(string(out), long) {
			t.Errorf("%s: a message that is short enough: %d bytes, %v", path, len(out), err)
		}
	}
}

var long = strings.Repeat("N", 500)

// longNames is a message with long names: a number, a list of enums, a list of
// itself, and a map to enums.
func longNames(t *testing.T) protoreflect.MessageDescriptor {
	t.Helper()
	label := descriptorpb.FieldDescriptorProto_LABEL_REPEATED
	field := func(number int32, kind descriptorpb.FieldDescriptorProto_Type, name, of string, label descriptorpb.FieldDescriptorProto_Label) *descriptorpb.FieldDescriptorProto {
		field := &descriptorpb.FieldDescriptorProto{Name: proto.String(name), Number: proto.Int32(number), Type: kind.Enum(), Label: label.Enum()}
		if of != "" {
			field.TypeName = proto.String(of)
		}
		return field
	}
	single := descriptorpb.FieldDescriptorProto_LABEL_OPTIONAL
	number, enum, message := descriptorpb.FieldDescriptorProto_TYPE_INT32, descriptorpb.FieldDescriptorProto_TYPE_ENUM, descriptorpb.FieldDescriptorProto_TYPE_MESSAGE
	file, err := protodesc.NewFile(&descriptorpb.FileDescriptorProto{
		Name: proto.String("long.proto"), Syntax: proto.String("proto3"),
		EnumType: []*descriptorpb.EnumDescriptorProto{{Name: proto.String("E"), Value: []*descriptorpb.EnumValueDescriptorProto{
			{Name: proto.String("ZERO"), Number: proto.Int32(0)}, {Name: proto.String(long), Number: proto.Int32(1)},
		}}},
		MessageType: []*descriptorpb.DescriptorProto{{
			Name: proto.String("M"),
			Field: []*descriptorpb.FieldDescriptorProto{
				field(1, number, "a"+long, "", single), field(2, enum, "enums", ".E", label),
				field(3, message, "messages", ".M", label), field(4, message, "map", ".M.MapEntry", label),
			},
			NestedType: []*descriptorpb.DescriptorProto{{
				Name: proto.String("MapEntry"), Options: &descriptorpb.MessageOptions{MapEntry: proto.Bool(true)},
				Field: []*descriptorpb.FieldDescriptorProto{field(1, number, "key", "", single), field(2, enum, "value", ".E", single)},
			}},
		}},
	}, nil)
	if err != nil {
		t.Fatal(err)
	}
	return file.Messages().Get(0)
}
