package transcode

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"math"
	"slices"
	"strconv"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// entries writes the entries of a map that follow one another: the one that
// begins at i, after its tag, and all after it until another field's. They are
// in the order of their keys then.
func (w *jsonWriter) entries(out []byte, f *jsonField, tag uint64, in []byte, i, depth int) (result []byte, next int) {
	start, first := len(out), len(w.pieces)
	sorted := true
	for {
		entry, after := delimited(in, i)
		if after < 0 {
			return out, refused
		}
		var ok bool
		if out, ok = w.entry(out, f, entry, after-len(entry), depth); !ok {
			return out, refused
		}
		i = after
		if n := len(w.pieces); n > first+1 {
			switch order := comparePieces(in, w.pieces[n-2], w.pieces[n-1]); {
			case order == 0:
				return out, refused // The second replaces the first.
			case order > 0:
				sorted = false
			}
		}
		following, after := varint(in, i)
		if after < 0 || following != tag {
			break // The end, the tag of another field, or a bad one.
		}
		i = after
	}
	if !sorted {
		pieces := endPieces(w.pieces[first:], len(out))
		slices.SortFunc(pieces, func(a, b piece) int { return comparePieces(in, a, b) })
		for k := range pieces[1:] {
			if comparePieces(in, pieces[k], pieces[k+1]) == 0 {
				return out, refused
			}
		}
		out = w.move(out, start, pieces)
	}
	w.pieces = w.pieces[:first]
	return out, i
}

// entry writes one entry, which begins at that position of its message.
func (w *jsonWriter) entry(out []byte, f *jsonField, entry []byte, at, depth int) (result []byte, ok bool) {
	key, value, ok := f.findEntry(entry)
	if !ok {
		return out, false
	}
	made := piece{start: len(out)}
	out = append(out, ',')
	switch {
	case f.mapKey.kind == protoreflect.StringKind:
		var text []byte
		if key >= 0 {
			text, made.keyEnd = delimited(entry, key)
			made.keyEnd += at
		}
		made.key = made.keyEnd - len(text)
		made.order = prefix(text)
		out, ok = appendQuoted(out, text)
	case key >= 0:
		out, made.order, ok = appendKey(out, f.mapKey, entry, key)
	default:
		out, made.order, ok = appendKey(out, f.mapKey, zeroKey[:], 0)
	}
	if !ok {
		return out, false
	}
	out = append(out, ':')
	w.pieces = append(w.pieces, made)
	switch {
	case value >= 0:
		out, value = w.value(out, f.mapValue, entry, value, depth)
		return out, value >= 0
	case f.mapValue.message != nil:
		return w.write(out, f.mapValue.message.get().json, nil, depth)
	default:
		return append(out, f.mapValue.zero...), true
	}
}

// zeroKey is the zero value of every kind of key that is a number.
var zeroKey [8]byte

// findEntry is where the key and the value of a map's entry are: -1 if they are
// not there. It refuses an entry that has one of them twice.
func (f *jsonField) findEntry(entry []byte) (key, value int, ok bool) {
	key, value = -1, -1
	for i := 0; i < len(entry); {
		tag, next := varint(entry, i)
		if next < 0 || tag < minTag || tag > maxTag {
			return key, value, false
		}
		switch tag >> 3 {
		case 1:
			if tag&7 != f.mapKey.wireType || key >= 0 {
				return key, value, false
			}
			key = next
		case 2:
			if tag&7 != f.mapValue.wireType || value >= 0 {
				return key, value, false
			}
			value = next
		}
		if i = skip(tag, entry, next); i < 0 {
			return key, value, false
		}
	}
	return key, value, true
}

// appendKey writes a key that is no string. The keys' order is that of the
// numbers returned.
func appendKey(out []byte, f *jsonField, in []byte, i int) (result []byte, order uint64, ok bool) {
	raw, i := scalar(f.wireType, in, i)
	if i < 0 {
		return out, 0, false
	}
	out = append(out, '"')
	switch number, signed := keyNumber(f.kind, raw); {
	case f.kind == protoreflect.BoolKind:
		out, order = strconv.AppendBool(out, number != 0), number
	case signed:
		out = strconv.AppendInt(out, int64(number), 10)
		order = number ^ 1<<63
	default:
		out, order = strconv.AppendUint(out, number, 10), number
	}
	return append(out, '"'), order, true
}

// keyNumber is the value of a key, given what is on the wire: in two's complement
// if it is signed.
func keyNumber(kind protoreflect.Kind, raw uint64) (number uint64, signed bool) {
	switch kind {
	case protoreflect.BoolKind:
		return min(raw, 1), false
	case protoreflect.Uint32Kind, protoreflect.Fixed32Kind:
		return raw & math.MaxUint32, false
	case protoreflect.Uint64Kind, protoreflect.Fixed64Kind:
		return raw, false
	case protoreflect.Int32Kind, protoreflect.Sfixed32Kind:
		return uint64(int64(int32(raw))), true
	case protoreflect.Sint32Kind:
		return uint64(protowire.DecodeZigZag(raw & math.MaxUint32)), true
	case protoreflect.Sint64Kind:
		return uint64(protowire.DecodeZigZag(raw)), true
	default: // Int64Kind, Sfixed64Kind
		return raw, true
	}
}

// prefix is the first eight bytes of a text as a number, in the same order.
func prefix(text []byte) uint64 {
	if len(text) >= 8 {
		return binary.BigEndian.Uint64(text)
	}
	var padded [8]byte
	copy(padded[:], text)
	return binary.BigEndian.Uint64(padded[:])
}

// comparePieces orders the entries of a map in the message in.
func comparePieces(in []byte, a, b piece) int {
	if order := cmp.Compare(a.order, b.order); order != 0 {
		return order
	}
	return bytes.Compare(in[a.key:a.keyEnd], in[b.key:b.keyEnd])
}
