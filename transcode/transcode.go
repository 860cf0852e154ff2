// Package transcode turns JSON into protobuf's wire format and back by
// descriptor, without generated code.
//
// A [Message] is made once for each message type and used for ever:
//
//	message, err := transcode.New(descriptor, transcode.Options{})
//	wire, err := message.AppendWire(nil, []byte(`{"Code":"d3JmZGZkc2Y="}`))
//	json, err := message.AppendJSON(nil, wire)
//
// The meaning of the JSON is protobuf's ProtoJSON specification. The output is
// compact, and the same for the same input. The package knows nothing of RPC
// and imports protobuf only.
package transcode

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"sync/atomic"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/types/dynamicpb"
)

// DefaultMaxDepth is how deeply JSON may be nested unless [Options] say
// otherwise.
const DefaultMaxDepth = 100

// Resolver finds the types of messages inside google.protobuf.Any and of
// extensions. [*protoregistry.Types] and [*dynamicpb.Types] are resolvers.
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
// of message objects, because their input was legal and rare. Each of them took
// some ten times as long. What is refused is not counted.
func (m *Message) Fallbacks() uint64 { return m.fallbacks.Load() }

// counted counts a conversion that fell back.
func (m *Message) counted(appended []byte, err error) ([]byte, error) {
	if err == nil {
		m.fallbacks.Add(1)
	}
	return appended, err
}

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

// appendWireSlowly does the same with message objects.
func (m *Message) appendWireSlowly(dst, jsonText []byte) ([]byte, error) {
	if err := checkJSONDepth(jsonText, m.maxDepth); err != nil {
		return dst, err
	}
	message := dynamicpb.NewMessage(m.descriptor)
	if err := m.fromJSON.Unmarshal(jsonText, message); err != nil {
		return dst, cleanJSONError(jsonText, err)
	}
	appended, err := proto.MarshalOptions{Deterministic: true}.MarshalAppend(dst, message)
	if err != nil {
		return dst, cleanError(err)
	}
	return appended, nil
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

// appendJSONSlowly does the same with message objects.
func (m *Message) appendJSONSlowly(dst, wire []byte) (appended []byte, err error) {
	// The library panics where a map entry has its key a second time, of
	// another wire type.
	defer func() {
		if cause := recover(); cause != nil {
			appended, err = dst, fmt.Errorf("%s is malformed: %v", m.descriptor.FullName(), cause)
		}
	}()
	depth := wireDepth{max: m.maxDepth, resolver: m.resolver}
	if err := depth.check(m.descriptor, wire, 1); err != nil {
		return dst, err
	}
	message := dynamicpb.NewMessage(m.descriptor)
	if err := m.fromWire.Unmarshal(wire, message); err != nil {
		return dst, cleanError(err)
	}
	spaced, err := m.toJSON.Marshal(message)
	if err != nil {
		return dst, cleanError(err)
	}
	// protojson adds white space at random, so that nobody relies on its form.
	out := bytes.NewBuffer(dst)
	if err := json.Compact(out, spaced); err != nil {
		return dst, fmt.Errorf("protojson wrote invalid JSON: %w", err)
	}
	return out.Bytes(), nil
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
