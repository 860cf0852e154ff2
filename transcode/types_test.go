package transcode_test

import (
	"fmt"
	"runtime"
	"testing"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/descriptorpb"

	"github.com/mqrpc/mqrpc/transcode"
)

// TestTypesAreCompiledOnce: many messages that hold one large one take the time
// and the memory of one large one.
func TestTypesAreCompiledOnce(t *testing.T) {
	const messages, fields = 50, 2000
	file := wide(t, messages, fields)
	alone := allocations(func() { convert(t, file, 0, 1) })
	together := allocations(func() { convert(t, file, 0, messages) })
	if together > 3*alone {
		t.Errorf("one message takes %d allocations, %d take %d: want no more than thrice", alone, messages, together)
	}
}

// convert converts some messages of a file as one set of types.
func convert(t *testing.T, file protoreflect.FileDescriptor, from, to int) {
	t.Helper()
	types, err := transcode.NewTypes(transcode.Options{})
	if err != nil {
		t.Fatal(err)
	}
	for i := from; i < to; i++ {
		message, err := types.Message(file.Messages().Get(i))
		if err != nil {
			t.Fatal(err)
		}
		const text = `{"wide":{"f7":"x"}}`
		wire, err := message.AppendWire(nil, []byte(text))
		if err != nil {
			t.Fatal(err)
		}
		if got, err := message.AppendJSON(nil, wire); err != nil || string(got) != text {
			t.Fatalf("got %s, %v", got, err)
		}
	}
}

func allocations(of func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	of()
	runtime.ReadMemStats(&after)
	return after.Mallocs - before.Mallocs
}

// wide is a file with that many messages, each of which holds the last one,
// which has that many fields.
func wide(t *testing.T, messages, fields int) protoreflect.FileDescriptor {
	t.Helper()
	file := &descriptorpb.FileDescriptorProto{Name: proto.String("wide.proto"), Syntax: proto.String("proto3")}
	optional := descriptorpb.FieldDescriptorProto_LABEL_OPTIONAL.Enum()
	for i := range messages {
		file.MessageType = append(file.GetMessageType(), &descriptorpb.DescriptorProto{
			Name: proto.String(fmt.Sprintf("M%d", i)),
			Field: []*descriptorpb.FieldDescriptorProto{{
				Name: proto.String("wide"), Number: proto.Int32(1), TypeName: proto.String(".Wide"),
				Type: descriptorpb.FieldDescriptorProto_TYPE_MESSAGE.Enum(), Label: optional,
			}},
		})
	}
	last := &descriptorpb.DescriptorProto{Name: proto.String("Wide")}
	for i := range fields {
		last.Field = append(last.GetField(), &descriptorpb.FieldDescriptorProto{
			Name: proto.String(fmt.Sprintf("f%d", i)), Number: proto.Int32(int32(i + 1)),
			Type: descriptorpb.FieldDescriptorProto_TYPE_STRING.Enum(), Label: optional,
		})
	}
	file.MessageType = append(file.GetMessageType(), last)
	linked, err := protodesc.NewFile(file, nil)
	if err != nil {
		t.Fatal(err)
	}
	return linked
}

func allocatedBytes(of func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	of()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}
