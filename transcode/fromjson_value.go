package transcode

import (
	"encoding/binary"
	"math"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// value reads a scalar and appends it after its tag. Unless always is set, a
// zero value is left out, with its tag.
func (p *parser) value(f *field, tag string, always bool, i int) int {
	switch f.kind {
	case protoreflect.StringKind:
		return p.text(tag, always, i)
	case protoreflect.BytesKind:
		return p.bytes(tag, always, i)
	case protoreflect.BoolKind:
		return p.boolean(tag, always, i)
	case protoreflect.EnumKind:
		return p.enum(f, tag, always, i)
	case protoreflect.DoubleKind, protoreflect.FloatKind:
		return p.float(f.kind, tag, always, i)
	default:
		n, i := p.integer(i)
		if i < 0 || !p.appendInteger(f, tag, always, n) {
			return irregular
		}
		return i
	}
}

func (p *parser) boolean(tag string, always bool, i int) int {
	if p.at(i) == 't' {
		p.appendVarint(tag, 1)
		return p.literal("true", i)
	}
	if always {
		p.appendVarint(tag, 0)
	}
	return p.literal("false", i)
}

// text reads a string.
func (p *parser) text(tag string, always bool, i int) int {
	if p.at(i) != '"' {
		return irregular
	}
	i++
	end := p.plainEnd(i)
	switch {
	case end < 0:
		return irregular
	case p.in[end] == '\\':
		p.appendTag(tag)
		start := p.open()
		if end = p.unescaped(i); end < 0 {
			return irregular
		}
		p.closeText(start)
	case end > i || always:
		out := p.out
		if size := end - i; len(tag) == 1 && size < 0x80 {
			out = append(out, tag[0], byte(size))
		} else {
			out = protowire.AppendVarint(append(out, tag...), uint64(size))
		}
		out = append(out, p.in[i:end]...)
		p.out = out
	}
	return end + 1
}

// bytes reads base64.
func (p *parser) bytes(tag string, always bool, i int) int {
	if p.at(i) != '"' {
		return irregular
	}
	i++
	if end := p.shortBase64(tag, always, i); end >= 0 {
		return end
	}
	end := p.plainEnd(i)
	if end < 0 {
		return irregular
	}
	encoded := p.in[i:end]
	if p.in[end] == '\\' { // Some encoders escape slashes.
		scratch := p.scratchSpace()
		before := len(p.out)
		if end = p.unescaped(i); end < 0 {
			return irregular
		}
		scratch.text = append(scratch.text[:0], p.out[before:]...)
		p.out, encoded = p.out[:before], scratch.text
	}
	if len(encoded) == 0 && !always {
		return end + 1
	}
	p.appendTag(tag)
	if !p.appendBase64(encoded) {
		return irregular
	}
	return end + 1
}

// enum reads a value's name or its number. An unknown name may be discarded:
// then nothing is appended.
func (p *parser) enum(f *field, tag string, always bool, i int) int {
	var number int32
	switch c := p.at(i); {
	case c == '"':
		var known bool
		if number, known, i = p.enumName(f.enum, i+1); i < 0 || !known {
			return i
		}
	case c == 'n' && f.enum.null:
		if i = p.literal("null", i); i < 0 {
			return irregular
		}
	default:
		var n integer
		if n, i = p.number(i); i < 0 {
			return irregular
		}
		if !p.appendInteger(f, tag, always, n) {
			return irregular
		}
		return i
	}
	if number != 0 || always {
		p.appendVarint(tag, uint64(int64(number)))
	}
	return i
}

// enumName reads the name of an enum value after its opening quote.
func (p *parser) enumName(enum *enumTable, i int) (number int32, known bool, after int) {
	end := p.plainEnd(i)
	if end < 0 {
		return 0, false, irregular
	}
	if p.in[end] == '\\' {
		before := len(p.out)
		if end = p.unescaped(i); end < 0 {
			return 0, false, irregular
		}
		number, known = enum.byName[string(p.out[before:])]
		p.out = p.out[:before]
	} else {
		number, known = enum.byName[string(p.in[i:end])]
	}
	if !known && !p.message.options.DiscardUnknown {
		return 0, false, irregular
	}
	return number, known, end + 1
}

func (p *parser) float(kind protoreflect.Kind, tag string, always bool, i int) int {
	size := 64
	if kind == protoreflect.FloatKind {
		size = 32
	}
	value, i := p.floatingPoint(i, size)
	switch {
	case i < 0:
		return irregular
	case value == 0 && !always && !math.Signbit(value): // -0 is not the zero value.
	case size == 32:
		p.appendTag(tag)
		p.out = binary.LittleEndian.AppendUint32(p.out, math.Float32bits(float32(value)))
	default:
		p.appendTag(tag)
		p.out = binary.LittleEndian.AppendUint64(p.out, math.Float64bits(value))
	}
	return i
}

// appendInteger reports false when the number does not fit into the field.
func (p *parser) appendInteger(f *field, tag string, always bool, n integer) bool {
	bits := n.magnitude
	switch {
	case n.negative:
		if bits > f.maxNegative {
			return false
		}
		bits = -bits
	case bits > f.maxPositive:
		return false
	}
	if bits == 0 && !always {
		return true
	}
	switch f.kind {
	case protoreflect.Sint32Kind, protoreflect.Sint64Kind:
		p.appendVarint(tag, protowire.EncodeZigZag(int64(bits)))
	case protoreflect.Sfixed32Kind, protoreflect.Fixed32Kind:
		p.appendTag(tag)
		p.out = binary.LittleEndian.AppendUint32(p.out, uint32(bits))
	case protoreflect.Sfixed64Kind, protoreflect.Fixed64Kind:
		p.appendTag(tag)
		p.out = binary.LittleEndian.AppendUint64(p.out, bits)
	default:
		p.appendVarint(tag, bits)
	}
	return true
}

func (p *parser) appendVarint(tag string, n uint64) {
	if len(tag) == 1 && n < 0x80 {
		p.out = append(p.out, tag[0], byte(n))
		return
	}
	p.out = protowire.AppendVarint(append(p.out, tag...), n)
}

// appendTag appends a tag, which has one byte most often.
func (p *parser) appendTag(tag string) {
	if len(tag) == 1 {
		p.out = append(p.out, tag[0])
		return
	}
	p.out = append(p.out, tag...)
}
