package contract_test

import (
	"context"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/descriptorpb"

	"github.com/mqrpc/mqrpc/contract"
	"github.com/mqrpc/mqrpc/contract/compat"
	"github.com/mqrpc/mqrpc/contract/printing"
	wxappv1 "github.com/mqrpc/mqrpc/examples/wxapp/proto/wxapp/v1"
	"github.com/mqrpc/mqrpc/transcode"
)

// perByte is the time that reading a contract may take for each of its bytes,
// on a machine that does much else.
const perByte = 100 * time.Microsecond

// FuzzLink reads a stranger's bytes as a gateway does. What is linked can be
// used: compared, transcoded, printed.
func FuzzLink(f *testing.F) {
	for _, files := range seeds(f) {
		encoded, err := proto.Marshal(files)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(encoded)
	}
	f.Fuzz(read)
}

// FuzzLinkChanged reads contracts that are right but for some fields, which bytes
// alone seldom give.
func FuzzLinkChanged(f *testing.F) {
	f.Add([]byte{3, 0, 0, 0, 4, 0, 0})
	f.Fuzz(func(t *testing.T, choices []byte) {
		c := choosing{left: choices}
		files := c.of(seeds(t))
		for len(c.left) > 0 {
			c.change(files.ProtoReflect())
		}
		encoded, err := proto.Marshal(files)
		if err != nil {
			t.Fatal(err)
		}
		read(t, encoded)
	})
}

// read reads a contract as a gateway does.
func read(t *testing.T, encoded []byte) {
	t.Helper()
	start := time.Now()
	files := &descriptorpb.FileDescriptorSet{}
	if contract.Unmarshal(encoded, files) != nil {
		return
	}
	apis, err := contract.Split(t.Context(), files)
	if took, bound := time.Since(start), time.Second+perByte*time.Duration(len(encoded)); took > bound {
		t.Errorf("%d bytes take %s, more than %s", len(encoded), took, bound)
	}
	if err != nil {
		return
	}
	for _, api := range apis {
		checkUsable(t, contract.KeyOf(api), api.GetFiles(), api.GetRevision())
	}
}

// choosing turns bytes into changes of a message.
type choosing struct{ left []byte }

// next chooses one of n.
func (c *choosing) next(n int) int {
	if len(c.left) == 0 || n <= 0 {
		return 0
	}
	choice := int(c.left[0]) % n
	c.left = c.left[1:]
	return choice
}

func (c *choosing) of(sets []*descriptorpb.FileDescriptorSet) *descriptorpb.FileDescriptorSet {
	return sets[c.next(len(sets))]
}

// change changes a field of a message, or of one within it.
func (c *choosing) change(message protoreflect.Message) {
	field := message.Descriptor().Fields().Get(c.next(message.Descriptor().Fields().Len()))
	within := field.Message() != nil && message.Has(field) && c.next(8) > 0
	switch {
	case within && field.IsList():
		list := message.Mutable(field).List()
		c.change(list.Get(c.next(list.Len())).Message())
	case within:
		c.change(message.Mutable(field).Message())
	case c.next(4) == 0:
		message.Clear(field)
	case field.IsList() && field.Message() != nil && message.Has(field): // once more
		list := message.Mutable(field).List()
		list.Append(protoreflect.ValueOf(proto.Clone(list.Get(c.next(list.Len())).Message().Interface()).ProtoReflect()))
	case field.IsList() && field.Message() != nil:
		message.Mutable(field).List().AppendMutable()
	case field.IsList():
		message.Mutable(field).List().Append(c.value(field))
	case field.Message() != nil:
		message.Mutable(field)
	default:
		message.Set(field, c.value(field))
	}
}

// words are values of strings that mean something somewhere.
var words = []string{
	"", "a.proto", "b.proto", "google/protobuf/duration.proto", "google/protobuf/any.proto", "p", "p.M", "google.protobuf", "google", "protobuf",
	".p.M", ".p.Q", ".p.E", ".B", ".p.Q.FEntry", ".google.protobuf.Any", ".google.protobuf.Duration", ".google.protobuf.FileOptions",
	"M", "Q", "FEntry", "key", "value", "f", "F", "E0", "x", "proto2", "proto3", "editions", "0", "nan", "true", "\\", "\xff",
}

func (c *choosing) value(field protoreflect.FieldDescriptor) protoreflect.Value {
	switch field.Kind() {
	case protoreflect.BoolKind:
		return protoreflect.ValueOfBool(c.next(2) == 0)
	case protoreflect.EnumKind:
		values := field.Enum().Values()
		if choice := c.next(values.Len() + 1); choice < values.Len() {
			return protoreflect.ValueOfEnum(values.Get(choice).Number())
		}
		return protoreflect.ValueOfEnum(77)
	case protoreflect.StringKind:
		return protoreflect.ValueOfString(words[c.next(len(words))])
	case protoreflect.BytesKind:
		return protoreflect.ValueOfBytes([]byte(words[c.next(len(words))]))
	case protoreflect.Int32Kind:
		return protoreflect.ValueOfInt32([]int32{0, 1, 2, 10, -1, 19_000, 1<<29 - 1, 1<<31 - 1}[c.next(8)])
	default:
		return field.Default()
	}
}

// seeds are contracts that are right.
func seeds(t testing.TB) []*descriptorpb.FileDescriptorSet {
	t.Helper()
	return []*descriptorpb.FileDescriptorSet{
		contract.Collect(wxappv1.File_wxapp_v1_wxapp_proto),
		set(t, service),
		set(t, service+`syntax: "editions" edition: EDITION_2024 options { features { field_presence: IMPLICIT } }`),
		set(t, `name: "b.proto" message_type { name: "B" extension_range { start: 10 end: 20 } }`,
			service+`dependency: "b.proto" public_dependency: 0 extension { name: "x" number: 10 label: LABEL_OPTIONAL type: TYPE_MESSAGE type_name: ".p.M" extendee: ".B" }
			message_type { name: "Q" field { name: "f" number: 1 label: LABEL_REPEATED type: TYPE_MESSAGE type_name: ".p.Q.FEntry" } field { name: "e" number: 2 label: LABEL_OPTIONAL type: TYPE_ENUM type_name: ".p.E" oneof_index: 0 }
				oneof_decl { name: "o" } reserved_range { start: 5 end: 9 } reserved_name: "r"
				nested_type { name: "FEntry" options { map_entry: true } field { name: "key" number: 1 label: LABEL_OPTIONAL type: TYPE_STRING } field { name: "value" number: 2 label: LABEL_OPTIONAL type: TYPE_BOOL } } }
			enum_type { name: "E" value { name: "E0" number: 0 } }
			service { name: "T" method { name: "Do" input_type: ".p.Q" output_type: ".B" options { idempotency_level: IDEMPOTENT [mqrpc.v1.method] { timeout { seconds: 2 } } } } options { [mqrpc.v1.service] { module: "m" version: "1" } } }`),
	}
}

func checkUsable(t *testing.T, key contract.Key, files *descriptorpb.FileDescriptorSet, revision string) {
	t.Helper()
	if err := contract.Check(files); err != nil {
		t.Errorf("what was linked does not pass the checks: %v", err)
	}
	c, err := contract.Link(context.Background(), key, files)
	if err != nil || c.Revision != revision {
		t.Fatalf("linked again it is %v, error %v; want revision %s", c, err, revision)
	}
	if breaks := compat.Check(c.Descriptors(), c.Descriptors()); len(breaks) > 0 {
		t.Errorf("it breaks itself:\n%s", compat.Lines(breaks))
	}
	for _, service := range c.Services {
		for _, method := range service.Methods {
			if found, err := c.Method(method.Address); err != nil || found != method {
				t.Errorf("%s is not found: %v", method, err)
			}
			message, err := transcode.New(method.Output(), transcode.Options{Resolver: c.Resolver()})
			if err != nil {
				continue
			}
			_, _ = message.AppendJSON(nil, nil)
			_, _ = message.AppendWire(nil, []byte(`{"f":{"":true},"e":0}`))
		}
	}
	if _, err := printing.Services(c); err != nil {
		t.Logf("it cannot be printed: %v", err)
	}
}
