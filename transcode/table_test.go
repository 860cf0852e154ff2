package transcode

import (
	"testing"

	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/descriptorpb"
	"google.golang.org/protobuf/types/dynamicpb"
	"google.golang.org/protobuf/types/known/anypb"
	"google.golang.org/protobuf/types/known/structpb"
	"google.golang.org/protobuf/types/known/timestamppb"
)

// TestTablesAreLazy: nothing is compiled before it is met, and a type that
// contains itself once.
func TestTablesAreLazy(t *testing.T) {
	message, err := New((&descriptorpb.FileDescriptorProto{}).ProtoReflect().Descriptor(), Options{})
	if err != nil {
		t.Fatal(err)
	}
	compiled := func() int { return len(message.root.tables.messages) }
	if n := compiled(); n != 0 {
		t.Errorf("New compiles %d types", n)
	}
	for _, step := range []struct {
		text string
		want int
	}{
		{`{"name":"x"}`, 1},
		{`{"messageType":[{"name":"A"}]}`, 2},
		{`{"messageType":[{"nestedType":[{"nestedType":[{}]}]}]}`, 2},
		{`{"messageType":[{"field":[{"name":"f"}]}]}`, 3},
	} {
		if _, err := message.AppendWire(nil, []byte(step.text)); err != nil {
			t.Fatal(err)
		}
		if n := compiled(); n != step.want {
			t.Errorf("after %s: %d types are compiled, want %d", step.text, n, step.want)
		}
	}
}

// TestResolvedTypesAreBounded: a resolver that makes types without end does not
// fill the memory, and goes on working.
func TestResolvedTypesAreBounded(t *testing.T) {
	message, err := New((&anypb.Any{}).ProtoReflect().Descriptor(), Options{Resolver: endlessTypes{dynamicpb.NewTypes(nil), t}})
	if err != nil {
		t.Fatal(err)
	}
	for range maxResolved + 10 {
		if _, err := message.AppendWire(nil, []byte(`{"@type":"x/Another"}`)); err != nil {
			t.Fatal(err)
		}
	}
	if n := len(message.root.tables.messages); n > maxResolved+1 {
		t.Errorf("%d types are kept", n)
	}
	if n := message.Fallbacks(); n != 10 {
		t.Errorf("%d fallbacks", n)
	}
}

// endlessTypes makes a new type whenever it is asked for one.
type endlessTypes struct {
	*dynamicpb.Types

	t *testing.T
}

func (e endlessTypes) FindMessageByURL(string) (protoreflect.MessageType, error) {
	return dynamicpb.NewMessageType(messageOf(e.t, "", &descriptorpb.DescriptorProto{Name: new("Another")})), nil
}

func TestForms(t *testing.T) {
	tests := map[string]struct {
		descriptor protoreflect.MessageDescriptor
		want       form
	}{
		"any":            {(&anypb.Any{}).ProtoReflect().Descriptor(), formAny},
		"timestamp":      {(&timestamppb.Timestamp{}).ProtoReflect().Descriptor(), formTimestamp},
		"value":          {(&structpb.Value{}).ProtoReflect().Descriptor(), formValue},
		"list":           {(&structpb.ListValue{}).ProtoReflect().Descriptor(), formList},
		"struct":         {(&structpb.Struct{}).ProtoReflect().Descriptor(), formStruct},
		"another":        {(&descriptorpb.FileOptions{}).ProtoReflect().Descriptor(), formPlain},
		"false friend":   {messageOf(t, "google.protobuf", &descriptorpb.DescriptorProto{Name: new("Timestamp")}), formUnsupported},
		"other package":  {messageOf(t, "google", &descriptorpb.DescriptorProto{Name: new("Timestamp")}), formPlain},
		"not well-known": {messageOf(t, "google.protobuf", &descriptorpb.DescriptorProto{Name: new("Other")}), formPlain},
	}
	for name, test := range tests {
		if got := formOf(test.descriptor); got != test.want {
			t.Errorf("%s: form %d, want %d", name, got, test.want)
		}
	}
}

// TestFalseFriend: a type with a well-known name and other fields is an error,
// though the library panics.
func TestFalseFriend(t *testing.T) {
	message, err := New(messageOf(t, "google.protobuf", &descriptorpb.DescriptorProto{Name: new("Timestamp")}), Options{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := message.AppendWire(nil, []byte(`"2026-01-02T03:04:05Z"`)); err == nil {
		t.Error("it becomes wire")
	}
	if _, err := message.AppendJSON(nil, nil); err == nil {
		t.Error("it becomes JSON")
	}
}

// messageOf is the descriptor of a message alone in its file.
func messageOf(t *testing.T, pkg string, message *descriptorpb.DescriptorProto) protoreflect.MessageDescriptor {
	t.Helper()
	file, err := protodesc.NewFile(&descriptorpb.FileDescriptorProto{
		Name: new("alone.proto"), Package: &pkg, MessageType: []*descriptorpb.DescriptorProto{message},
	}, nil)
	if err != nil {
		t.Fatal(err)
	}
	return file.Messages().Get(0)
}
