package transcode

import (
	"sync/atomic"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
)

// DefaultMaxDepth is how deeply JSON may be nested unless [Options] say
// otherwise.
const DefaultMaxDepth = 100

// Resolver finds the types of messages inside google.protobuf.Any and of
// extensions. [*protoregistry.Types] and dynamicpb.Types are resolvers.
type Resolver interface {
	protoregistry.MessageTypeResolver
	protoregistry.ExtensionTypeResolver
}

// Options say how a [Message] converts. The zero value follows the ProtoJSON
// specification's defaults.
type Options struct {
	// DiscardUnknown ignores fields and enum values in JSON that the message
	// does not know. By default they are errors.
	DiscardUnknown bool
	// EmitUnpopulated writes fields that are not set: zero scalars, empty lists
	// and maps, null for messages. By default they are left out.
	EmitUnpopulated bool
	// UseProtoNames writes fields by their names in the .proto file. By default
	// they are written by their JSON names. Both are always read.
	UseProtoNames bool
	// UseEnumNumbers writes enum values as numbers. By default they are written
	// by their names. Both are always read.
	UseEnumNumbers bool
	// Resolver finds the types inside google.protobuf.Any and of extensions.
	// Nil: those linked into the program (protoregistry.GlobalTypes).
	Resolver Resolver
	// MaxDepth is how deeply the JSON's objects and arrays may be nested, in
	// both directions. Zero: DefaultMaxDepth.
	MaxDepth int
	// MaxJSON is about how many bytes of JSON a message may become. A few bytes on
	// the wire may stand for a long name, so a stranger's message becomes hundreds
	// of times as long where its contract is the stranger's, too. Zero: no bound.
	MaxJSON int
}

// Message converts messages of one type between JSON and the wire format. It
// is safe for concurrent use.
type Message struct {
	descriptor protoreflect.MessageDescriptor
	root       lazyTable // the compiled type, for both directions
	options    Options   // with their defaults filled in
	maxDepth   int
	resolver   Resolver
	toJSON     protojson.MarshalOptions
	fromJSON   protojson.UnmarshalOptions
	fromWire   proto.UnmarshalOptions
	fallbacks  atomic.Uint64
}

// New returns the converter for messages with that descriptor. It fails when
// the descriptor, or one that it refers to, is unresolved. For several messages
// that refer to the same types, see [Types].
//
// A Message is to be kept: it compiles each type that it meets, once, when it
// meets it first.
func New(descriptor protoreflect.MessageDescriptor, options Options) (*Message, error) {
	types, err := NewTypes(options)
	if err != nil {
		return nil, err
	}
	return types.Message(descriptor)
}

// Descriptor is the type that the Message converts.
func (m *Message) Descriptor() protoreflect.MessageDescriptor { return m.descriptor }

// Fallbacks is how many conversions, in both directions, succeeded only by way
// of message objects, because their input was legal and rare. Each took some
// twenty times as long as others. What is refused is not counted.
func (m *Message) Fallbacks() uint64 { return m.fallbacks.Load() }

// AppendWire appends the wire format of a message given as JSON to dst. The
// error says what is wrong with the JSON and where; dst is then returned as it
// was.
//
// The two slices must not overlap.
func (m *Message) AppendWire(dst, jsonText []byte) ([]byte, error) {
	if appended, ok := m.parse(dst, jsonText); ok {
		return appended, nil
	}
	return m.counted(m.appendWireSlowly(dst, jsonText))
}

// AppendJSON appends the JSON of a message given in the wire format to dst. The
// error says what is wrong with the message; dst is then returned as it was.
//
// Fields that the descriptor does not know are left out.
func (m *Message) AppendJSON(dst, wire []byte) ([]byte, error) {
	out, ok, tooLong := m.appendJSON(dst, wire)
	switch {
	case tooLong:
		return dst, m.tooLong()
	case ok:
		return out, nil
	}
	return m.counted(m.appendJSONSlowly(dst, wire))
}
