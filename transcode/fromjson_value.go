package transcode

import (
	"bytes"
	"encoding/base64"
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
		return p.enum(f.enum, tag, always, i)
	case protoreflect.DoubleKind, protoreflect.FloatKind:
		return p.float(f.kind, tag, always, i)
	default:
		n, i := p.integer(i)
		if i < 0 || !p.appendInteger(f.kind, tag, always, n) {
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
		p.out = append(p.out, tag...)
		start := p.open()
		if end = p.unescaped(i); end < 0 {
			return irregular
		}
		p.closeText(start)
	case end > i || always:
		p.out = append(p.out, tag...)
		p.appendLength(end - i)
		p.out = append(p.out, p.in[i:end]...)
	}
	return end + 1
}

// bytes reads base64.
func (p *parser) bytes(tag string, always bool, i int) int {
	if p.at(i) != '"' {
		return irregular
	}
	i++
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
	if !p.appendBase64(tag, encoded) {
		return irregular
	}
	return end + 1
}

// appendBase64 appends bytes given in one of the two alphabets, padded or not.
func (p *parser) appendBase64(tag string, encoded []byte) bool {
	alphabet, otherAlphabet := base64.StdEncoding, base64.URLEncoding
	if len(encoded)%4 != 0 {
		alphabet, otherAlphabet = base64.RawStdEncoding, base64.RawURLEncoding
	}
	unpadded := bytes.TrimRight(encoded, "=")
	size := base64.RawStdEncoding.DecodedLen(len(unpadded))
	p.out = append(p.out, tag...)
	p.appendLength(size)
	before := len(p.out)
	decoded, err := alphabet.AppendDecode(p.out, encoded)
	if err != nil {
		decoded, err = otherAlphabet.AppendDecode(p.out, encoded)
	}
	if err != nil || len(decoded)-before != size { // A line break makes it shorter.
		return false
	}
	p.out = decoded
	return true
}

// enum reads a value's name or its number. An unknown name may be discarded:
// then nothing is appended.
func (p *parser) enum(enum *enumTable, tag string, always bool, i int) int {
	var number int32
	switch c := p.at(i); {
	case c == '"':
		var known bool
		if number, known, i = p.enumName(enum, i+1); i < 0 || !known {
			return i
		}
	case c == 'n' && enum.null:
		if i = p.literal("null", i); i < 0 {
			return irregular
		}
	default:
		var n integer
		if n, i = p.number(i); i < 0 {
			return irregular
		}
		signed, fits := n.signed(32)
		if !fits {
			return irregular
		}
		number = int32(signed)
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
	if !known && !p.discard {
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
		p.out = append(p.out, tag...)
		p.out = binary.LittleEndian.AppendUint32(p.out, math.Float32bits(float32(value)))
	default:
		p.out = append(p.out, tag...)
		p.out = binary.LittleEndian.AppendUint64(p.out, math.Float64bits(value))
	}
	return i
}

// appendInteger reports false when the number does not fit into the kind.
func (p *parser) appendInteger(kind protoreflect.Kind, tag string, always bool, n integer) bool {
	var bits uint64
	var fits bool
	switch kind {
	case protoreflect.Int32Kind, protoreflect.Sint32Kind, protoreflect.Sfixed32Kind:
		var signed int64
		signed, fits = n.signed(32)
		bits = uint64(signed)
	case protoreflect.Int64Kind, protoreflect.Sint64Kind, protoreflect.Sfixed64Kind:
		var signed int64
		signed, fits = n.signed(64)
		bits = uint64(signed)
	case protoreflect.Uint32Kind, protoreflect.Fixed32Kind:
		bits, fits = n.unsigned(32)
	case protoreflect.Uint64Kind, protoreflect.Fixed64Kind:
		bits, fits = n.unsigned(64)
	}
	if !fits {
		return false
	}
	if bits == 0 && !always {
		return true
	}
	switch kind {
	case protoreflect.Sint32Kind, protoreflect.Sint64Kind:
		p.appendVarint(tag, protowire.EncodeZigZag(int64(bits)))
	case protoreflect.Sfixed32Kind, protoreflect.Fixed32Kind:
		p.out = append(p.out, tag...)
		p.out = binary.LittleEndian.AppendUint32(p.out, uint32(bits))
	case protoreflect.Sfixed64Kind, protoreflect.Fixed64Kind:
		p.out = append(p.out, tag...)
		p.out = binary.LittleEndian.AppendUint64(p.out, bits)
	default:
		p.appendVarint(tag, bits)
	}
	return true
}

func (p *parser) appendVarint(tag string, n uint64) {
	p.out = append(p.out, tag...)
	if n < 0x80 {
		p.out = append(p.out, byte(n))
		return
	}
	p.out = protowire.AppendVarint(p.out, n)
}
