package transcode

import (
	"errors"
	"fmt"
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
// the descriptor, or one that it refers to, is unresolved.
//
// A Message is to be kept: it compiles each type that it meets, once, when it
// meets it first.
func New(descriptor protoreflect.MessageDescriptor, options Options) (*Message, error) {
	if descriptor == nil {
		return nil, errors.New("transcode: the message's descriptor is missing")
	}
	if options.MaxDepth < 0 {
		return nil, fmt.Errorf("transcode: MaxDepth is %d, less than zero", options.MaxDepth)
	}
	if err := checkResolved(descriptor, map[protoreflect.FullName]bool{}); err != nil {
		return nil, fmt.Errorf("transcode: %s: %w", descriptor.FullName(), err)
	}
	if options.MaxDepth == 0 {
		options.MaxDepth = DefaultMaxDepth
	}
	if options.Resolver == nil {
		options.Resolver = protoregistry.GlobalTypes
	}
	return &Message{
		descriptor: descriptor,
		root:       lazyTable{descriptor: descriptor, tables: &tables{options: options}},
		options:    options,
		maxDepth:   options.MaxDepth,
		resolver:   options.Resolver,
		toJSON: protojson.MarshalOptions{
			EmitUnpopulated: options.EmitUnpopulated,
			UseProtoNames:   options.UseProtoNames,
			UseEnumNumbers:  options.UseEnumNumbers,
			Resolver:        options.Resolver,
		},
		fromJSON: protojson.UnmarshalOptions{
			DiscardUnknown: options.DiscardUnknown,
			Resolver:       options.Resolver,
		},
		fromWire: proto.UnmarshalOptions{
			Resolver: options.Resolver,
			// One level of a google.protobuf.Struct is three messages: the
			// Struct, its map entry, the Value.
			RecursionLimit: 3*options.MaxDepth + 3,
		},
	}, nil
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
	if out, ok := m.appendJSON(dst, wire); ok {
		return out, nil
	}
	return m.counted(m.appendJSONSlowly(dst, wire))
}

// checkResolved looks for descriptors whose file was never found.
func checkResolved(message protoreflect.MessageDescriptor, seen map[protoreflect.FullName]bool) error {
	if message.IsPlaceholder() {
		return fmt.Errorf("the descriptor of %s is unresolved", message.FullName())
	}
	if seen[message.FullName()] {
		return nil
	}
	seen[message.FullName()] = true
	fields := message.Fields()
	for i := range fields.Len() {
		field := fields.Get(i)
		if enum := field.Enum(); enum != nil && enum.IsPlaceholder() {
			return fmt.Errorf("the descriptor of %s is unresolved", enum.FullName())
		}
		if nested := field.Message(); nested != nil {
			if err := checkResolved(nested, seen); err != nil {
				return err
			}
		}
	}
	return nil
}
