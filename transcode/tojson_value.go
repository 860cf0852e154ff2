package transcode

import (
	"encoding/binary"
	"math"
	"strconv"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// value writes the value at i of a field that is singular, of an element of a
// list, or of a map's value. The depth is that of its object, if it is one.
//
//nolint:gocyclo // one jump per value: a case for each group of kinds
func (w *jsonWriter) value(out []byte, f *jsonField, in []byte, i, depth int) (result []byte, next int) {
	switch f.kind {
	case protoreflect.StringKind:
		content, next := delimited(in, i)
		if next < 0 {
			return out, refused
		}
		out, ok := appendQuoted(out, content)
		if !ok {
			return out, refused
		}
		return out, next
	case protoreflect.BytesKind:
		content, next := delimited(in, i)
		if next < 0 {
			return out, refused
		}
		return appendBase64(out, content), next
	case protoreflect.MessageKind:
		content, next := delimited(in, i)
		if next < 0 {
			return out, refused
		}
		out, ok := w.write(out, f.message.get().json, content, depth)
		if !ok {
			return out, refused
		}
		return out, next
	case protoreflect.GroupKind:
		return w.group(out, f, in, i, depth)
	case protoreflect.DoubleKind:
		if len(in)-i < 8 {
			return out, refused
		}
		return appendDouble(out, math.Float64frombits(binary.LittleEndian.Uint64(in[i:]))), i + 8
	case protoreflect.Fixed64Kind, protoreflect.Sfixed64Kind:
		if len(in)-i < 8 {
			return out, refused
		}
		return appendFixed64(out, f.kind, binary.LittleEndian.Uint64(in[i:])), i + 8
	case protoreflect.Fixed32Kind, protoreflect.Sfixed32Kind, protoreflect.FloatKind:
		if len(in)-i < 4 {
			return out, refused
		}
		return appendFixed32(out, f.kind, binary.LittleEndian.Uint32(in[i:])), i + 4
	case protoreflect.EnumKind:
		number, next := varint(in, i)
		if next < 0 {
			return out, refused
		}
		return f.appendEnum(out, int32(number), next)
	default:
		number, next := varint(in, i)
		if next < 0 {
			return out, refused
		}
		return appendVarint(out, f.kind, number), next
	}
}

// group writes a message that ends with a tag.
func (w *jsonWriter) group(out []byte, f *jsonField, in []byte, i, depth int) (result []byte, next int) {
	content, size := protowire.ConsumeGroup(protowire.Number(f.number), in[i:])
	if size < 0 {
		return out, refused
	}
	out, ok := w.write(out, f.message.get().json, content, depth)
	if !ok {
		return out, refused
	}
	return out, i + size
}

// appendVarint appends a number of a kind that the wire has as varints. What
// does not fit into 32 bits is cut off, as protobuf does.
func appendVarint(out []byte, kind protoreflect.Kind, number uint64) []byte {
	switch kind {
	case protoreflect.BoolKind:
		return strconv.AppendBool(out, number != 0)
	case protoreflect.Int32Kind:
		return appendInt(out, int64(int32(number)))
	case protoreflect.Sint32Kind:
		return appendInt(out, protowire.DecodeZigZag(number&math.MaxUint32))
	case protoreflect.Uint32Kind:
		return appendUint(out, number&math.MaxUint32)
	case protoreflect.Int64Kind:
		return appendQuotedInt(out, int64(number))
	case protoreflect.Sint64Kind:
		return appendQuotedInt(out, protowire.DecodeZigZag(number))
	default: // Uint64Kind
		return appendQuotedUint(out, number)
	}
}

func appendFixed32(out []byte, kind protoreflect.Kind, bits uint32) []byte {
	switch kind {
	case protoreflect.FloatKind:
		return appendFloat(out, math.Float32frombits(bits))
	case protoreflect.Sfixed32Kind:
		return appendInt(out, int64(int32(bits)))
	default: // Fixed32Kind
		return appendUint(out, uint64(bits))
	}
}

func appendFixed64(out []byte, kind protoreflect.Kind, bits uint64) []byte {
	if kind == protoreflect.Sfixed64Kind {
		return appendQuotedInt(out, int64(bits))
	}
	return appendQuotedUint(out, bits)
}

// appendEnum refuses what may be no value of the enum, an unknown number of a
// closed one, and what cannot be told from the value that is left out: another
// number than the only one of NullValue.
func (f *jsonField) appendEnum(out []byte, number int32, i int) (result []byte, next int) {
	if number >= 0 && int(number) < len(f.enum.texts) && f.enum.texts[number] != "" {
		return append(out, f.enum.texts[number]...), i
	}
	if f.enum.null && f.omitsZero || f.enum.closed && f.enum.nameOf(number) == "" {
		return out, refused
	}
	return f.enum.appendJSON(out, number), i
}
