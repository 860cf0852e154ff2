package contract

import (
	"fmt"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
)

// maxParts bounds the messages and repeated values in an encoded contract. Most
// elements are one; some have options, which are more.
const maxParts = 2 * MaxElements

// maxNesting bounds how deep an encoded contract nests: messages to [MaxDepth],
// and what lies around and within them.
const maxNesting = MaxDepth + 16

// Unmarshal decodes a message that carries a contract, as [proto.Unmarshal]
// does. A message that takes two bytes encoded may take hundreds decoded, so it
// sees first, in linear time and in place, that the limits are kept.
func Unmarshal(encoded []byte, message proto.Message) error {
	if len(encoded) > MaxBytes {
		return fmt.Errorf("it has %d bytes, more than %d", len(encoded), MaxBytes)
	}
	s := scanner{left: maxParts}
	if err := s.scan(encoded, message.ProtoReflect().Descriptor(), 0); err != nil {
		return err
	}
	return proto.Unmarshal(encoded, message)
}

// scanner counts what is left of the parts that an encoded message may have.
type scanner struct{ left int }

func (s *scanner) scan(encoded []byte, of protoreflect.MessageDescriptor, depth int) error {
	if depth > maxNesting {
		return fmt.Errorf("it nests deeper than %d messages", maxNesting)
	}
	for len(encoded) > 0 {
		number, kind, n := protowire.ConsumeTag(encoded)
		if n < 0 {
			return protowire.ParseError(n)
		}
		encoded = encoded[n:]
		if n = protowire.ConsumeFieldValue(number, kind, encoded); n < 0 {
			return protowire.ParseError(n)
		}
		value := encoded[:n]
		encoded = encoded[n:]
		field := fieldOf(of, number)
		if field == nil || field.Message() == nil && !field.IsList() {
			continue // it takes little more than its bytes
		}
		if s.left--; s.left < 0 {
			return fmt.Errorf("it has more than %d parts", maxParts)
		}
		if field.Message() == nil {
			continue
		}
		switch kind {
		case protowire.BytesType:
			value, n = protowire.ConsumeBytes(value)
		case protowire.StartGroupType:
			value, n = protowire.ConsumeGroup(number, value)
		default:
			continue // no message, whatever it is
		}
		if n < 0 {
			return protowire.ParseError(n)
		}
		if err := s.scan(value, field.Message(), depth+1); err != nil {
			return err
		}
	}
	return nil
}

// fieldOf finds a field or an extension that decoding would find; nil if there
// is none.
func fieldOf(of protoreflect.MessageDescriptor, number protowire.Number) protoreflect.FieldDescriptor {
	if field := of.Fields().ByNumber(number); field != nil {
		return field
	}
	if !of.ExtensionRanges().Has(number) {
		return nil
	}
	extension, err := protoregistry.GlobalTypes.FindExtensionByNumber(of.FullName(), number)
	if err != nil {
		return nil
	}
	return extension.TypeDescriptor()
}
