package transcode

import (
	"errors"
	"fmt"
	"maps"
	"sync"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
)

// Types are the types of several messages, such as those of one contract. What
// the messages share is looked at and compiled once, so all of them together
// take time and memory in proportion to the contract's size, whatever refers to
// what in it. They are safe for concurrent use.
type Types struct {
	options Options // with their defaults filled in
	tables  *tables

	mu       sync.Mutex
	resolved map[protoreflect.MessageDescriptor]bool // all that these reach is resolved
}

// NewTypes returns the types of messages that are converted alike. It fails when
// the options are invalid.
func NewTypes(options Options) (*Types, error) {
	if options.MaxDepth < 0 {
		return nil, fmt.Errorf("transcode: MaxDepth is %d, less than zero", options.MaxDepth)
	}
	if options.MaxDepth == 0 {
		options.MaxDepth = DefaultMaxDepth
	}
	if options.Resolver == nil {
		options.Resolver = protoregistry.GlobalTypes
	}
	return &Types{
		options: options, tables: &tables{options: options},
		resolved: map[protoreflect.MessageDescriptor]bool{},
	}, nil
}

// Message returns the converter for messages with that descriptor, as [New] does.
func (t *Types) Message(descriptor protoreflect.MessageDescriptor) (*Message, error) {
	if descriptor == nil {
		return nil, errors.New("transcode: the message's descriptor is missing")
	}
	if err := t.checkResolved(descriptor); err != nil {
		return nil, fmt.Errorf("transcode: %s: %w", descriptor.FullName(), err)
	}
	options := t.options
	return &Message{
		descriptor: descriptor,
		root:       lazyTable{descriptor: descriptor, tables: t.tables},
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

// checkResolved looks for descriptors whose file was never found.
func (t *Types) checkResolved(message protoreflect.MessageDescriptor) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	seen := map[protoreflect.MessageDescriptor]bool{}
	if err := t.visit(message, seen); err != nil {
		return err
	}
	maps.Copy(t.resolved, seen)
	return nil
}

func (t *Types) visit(message protoreflect.MessageDescriptor, seen map[protoreflect.MessageDescriptor]bool) error {
	if message.IsPlaceholder() {
		return fmt.Errorf("the descriptor of %s is unresolved", message.FullName())
	}
	if seen[message] || t.resolved[message] {
		return nil
	}
	seen[message] = true
	fields := message.Fields()
	for i := range fields.Len() {
		field := fields.Get(i)
		if enum := field.Enum(); enum != nil && enum.IsPlaceholder() {
			return fmt.Errorf("the descriptor of %s is unresolved", enum.FullName())
		}
		if nested := field.Message(); nested != nil {
			if err := t.visit(nested, seen); err != nil {
				return err
			}
		}
	}
	return nil
}
