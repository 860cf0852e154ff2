package transcode_test

import (
	"math/rand/v2"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// wireMutator encodes messages and changes that at random, field by field. What
// it makes is mostly what some encoder could have written.
type wireMutator struct {
	*rand.Rand

	descriptor protoreflect.MessageDescriptor
}

// mutated is the wire format of a message with some changes. A message that has
// none (its text is not UTF-8) begins empty.
func (m *wireMutator) mutated(message proto.Message) []byte {
	wire, err := proto.MarshalOptions{Deterministic: true, AllowPartial: true}.Marshal(message)
	if err != nil {
		wire = nil
	}
	for range m.IntN(4) {
		wire = m.changed(wire, m.descriptor)
	}
	if m.IntN(20) == 0 {
		wire = damaged(m.Rand, wire)
	}
	return wire
}

// wireField is one field as it is encoded.
type wireField struct {
	number protowire.Number
	kind   protowire.Type
	value  []byte // without the tag; of a group, with its end
}

func splitWire(wire []byte) []wireField {
	var fields []wireField
	for len(wire) > 0 {
		number, kind, tagSize := protowire.ConsumeTag(wire)
		if tagSize < 0 {
			break
		}
		size := protowire.ConsumeFieldValue(number, kind, wire[tagSize:])
		if size < 0 {
			break
		}
		fields = append(fields, wireField{number, kind, wire[tagSize : tagSize+size]})
		wire = wire[tagSize+size:]
	}
	return fields
}

func joinWire(fields []wireField) []byte {
	var wire []byte
	for _, field := range fields {
		wire = append(protowire.AppendTag(wire, field.number, field.kind), field.value...)
	}
	return wire
}

// changed makes one change to a message, or inside of one of its fields.
func (m *wireMutator) changed(wire []byte, descriptor protoreflect.MessageDescriptor) []byte {
	fields := splitWire(wire)
	if len(fields) > 0 && m.IntN(2) == 0 {
		i := m.IntN(len(fields))
		if known := descriptor.Fields().ByNumber(fields[i].number); known != nil && known.Message() != nil {
			fields[i].value = m.changedInside(fields[i], known.Message())
			return joinWire(fields)
		}
	}
	switch m.IntN(8) {
	case 0: // order
		m.Shuffle(len(fields), func(i, j int) { fields[i], fields[j] = fields[j], fields[i] })
	case 1: // a field again, somewhere
		if len(fields) > 0 {
			again := fields[m.IntN(len(fields))]
			at := m.IntN(len(fields) + 1)
			fields = append(fields[:at], append([]wireField{again}, fields[at:]...)...)
		}
	case 2: // one less
		if len(fields) > 0 {
			at := m.IntN(len(fields))
			fields = append(fields[:at], fields[at+1:]...)
		}
	case 3: // an overlong number
		if len(fields) > 0 {
			if at := m.IntN(len(fields)); fields[at].kind == protowire.VarintType {
				fields[at].value = overlong(fields[at].value)
			}
		}
	case 4: // an overlong tag
		return append(joinWire(fields[:len(fields)/2]), m.withOverlongTag(fields[len(fields)/2:])...)
	case 5: // an unknown field
		number := []protowire.Number{18, 99, 1023, 536870911}[m.IntN(4)]
		fields = append(fields, m.anyField(number))
	default: // a field that the message knows, of any form
		if known := descriptor.Fields(); known.Len() > 0 {
			field := m.formOf(known.Get(m.IntN(known.Len())))
			at := m.IntN(len(fields) + 1)
			fields = append(fields[:at], append([]wireField{field}, fields[at:]...)...)
		}
	}
	return joinWire(fields)
}

func (m *wireMutator) changedInside(field wireField, descriptor protoreflect.MessageDescriptor) []byte {
	switch field.kind {
	case protowire.BytesType:
		content, _ := protowire.ConsumeBytes(field.value)
		return protowire.AppendBytes(nil, m.changed(content, descriptor))
	case protowire.StartGroupType:
		content, _ := protowire.ConsumeGroup(field.number, field.value)
		return protowire.AppendGroup(nil, field.number, m.changed(content, descriptor))
	default:
		return field.value
	}
}

// overlong is a varint with bytes that add nothing, if there is room for them.
func overlong(varint []byte) []byte {
	if len(varint) > 8 {
		return varint
	}
	longer := append([]byte(nil), varint...)
	longer[len(longer)-1] |= 0x80
	return append(longer, 0x80, 0)
}

func (m *wireMutator) withOverlongTag(fields []wireField) []byte {
	if len(fields) == 0 {
		return nil
	}
	tag := overlong(protowire.AppendTag(nil, fields[0].number, fields[0].kind))
	return append(append(tag, fields[0].value...), joinWire(fields[1:])...)
}

// formOf encodes a field's number with a value of a form that is often the
// field's: packed or not, as a group or with a length.
func (m *wireMutator) formOf(field protoreflect.FieldDescriptor) wireField {
	number := field.Number()
	switch {
	case m.IntN(6) == 0:
		return m.anyField(number)
	case field.IsList() && m.IntN(2) == 0 && field.Kind() != protoreflect.StringKind && field.Kind() != protoreflect.BytesKind && field.Message() == nil:
		var packed []byte
		for range m.IntN(4) {
			packed = append(packed, m.scalar(field.Kind()).value...)
		}
		return wireField{number, protowire.BytesType, protowire.AppendBytes(nil, packed)}
	case field.Kind() == protoreflect.GroupKind:
		return wireField{number, protowire.StartGroupType, protowire.AppendGroup(nil, number, m.smallMessage(field.Message()))}
	case field.Message() != nil:
		return wireField{number, protowire.BytesType, protowire.AppendBytes(nil, m.smallMessage(field.Message()))}
	default:
		scalar := m.scalar(field.Kind())
		scalar.number = number
		return scalar
	}
}

func (m *wireMutator) smallMessage(descriptor protoreflect.MessageDescriptor) []byte {
	var wire []byte
	for range m.IntN(3) {
		if fields := descriptor.Fields(); fields.Len() > 0 {
			wire = append(wire, joinWire([]wireField{m.formOf(fields.Get(m.IntN(fields.Len())))})...)
		}
	}
	return wire
}

func (m *wireMutator) scalar(kind protoreflect.Kind) wireField {
	switch kind {
	case protoreflect.Fixed32Kind, protoreflect.Sfixed32Kind, protoreflect.FloatKind:
		return wireField{0, protowire.Fixed32Type, protowire.AppendFixed32(nil, m.Uint32()>>m.IntN(32))}
	case protoreflect.Fixed64Kind, protoreflect.Sfixed64Kind, protoreflect.DoubleKind:
		return wireField{0, protowire.Fixed64Type, protowire.AppendFixed64(nil, m.Uint64()>>m.IntN(64))}
	case protoreflect.StringKind, protoreflect.BytesKind:
		return wireField{0, protowire.BytesType, protowire.AppendBytes(nil, []byte(m.text()))}
	default:
		return wireField{0, protowire.VarintType, protowire.AppendVarint(nil, m.Uint64()>>m.IntN(64))}
	}
}

func (m *wireMutator) text() string {
	texts := append([]string{"\xff", "\xc0\x80", "\xed\xa0\x80", "type.googleapis.com/google.protobuf.Duration"}, edgeStrings[:len(edgeStrings)-1]...)
	return texts[m.IntN(len(texts))]
}

// anyField is a field of any wire type.
func (m *wireMutator) anyField(number protowire.Number) wireField {
	kinds := []protoreflect.Kind{protoreflect.Int64Kind, protoreflect.Fixed32Kind, protoreflect.Fixed64Kind, protoreflect.BytesKind}
	if m.IntN(5) == 0 {
		inner := m.scalar(kinds[m.IntN(len(kinds))])
		inner.number = number
		return wireField{number, protowire.StartGroupType, protowire.AppendGroup(nil, number, joinWire([]wireField{inner}))}
	}
	field := m.scalar(kinds[m.IntN(len(kinds))])
	field.number = number
	return field
}
