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

// mapEntry is an entry of a map that is being written.
type mapEntry struct {
	// order is that of the keys. It tells keys that are numbers, and texts by
	// how they begin.
	order uint64
	// key and keyEnd are where the key is in the message, if it is a text.
	key, keyEnd int
	value       int // where the value is in the message; -1: it has none
}

// entries writes the entries of a map that follow one another, in the order of
// their keys: the one that begins at i, after its tag, and all after it until
// another field's.
func (w *jsonWriter) entries(out []byte, f *jsonField, tag uint64, in []byte, i, depth int) (result []byte, next int) {
	scratch := w.scratchSpace()
	first := len(scratch.mapEntries)
	if i = w.findEntries(f, tag, in, i); i < 0 {
		return out, refused
	}
	// A map inside this one finds its entries beyond these.
	for k, end := first, len(scratch.mapEntries); k < end; k++ {
		var ok bool
		if out, ok = w.entry(out, f, in, scratch.mapEntries[k], depth); !ok {
			return out, refused
		}
	}
	scratch.mapEntries = scratch.mapEntries[:first]
	return out, i
}

// findEntries finds the entries of a map and sorts them. It refuses a map that
// has a key twice: the second replaces the first.
func (w *jsonWriter) findEntries(f *jsonField, tag uint64, in []byte, i int) (next int) {
	scratch := w.scratch
	first, sorted := len(scratch.mapEntries), true
	for {
		entry, after := delimited(in, i)
		if after < 0 {
			return refused
		}
		found, ok := f.findEntry(entry, after-len(entry))
		if !ok {
			return refused
		}
		scratch.mapEntries = append(scratch.mapEntries, found)
		if n := len(scratch.mapEntries); n > first+1 {
			order := compareEntries(in, &scratch.mapEntries[n-2], &scratch.mapEntries[n-1])
			if order == 0 {
				return refused
			}
			sorted = sorted && order < 0
		}
		i = after
		following, after := varint(in, i)
		if after < 0 || following != tag {
			break // The end, the tag of another field, or a bad one.
		}
		i = after
	}
	if !sorted && !sortEntries(in, scratch.mapEntries[first:]) {
		return refused
	}
	return i
}

// sortEntries sorts by keys. It reports whether they differ.
func sortEntries(in []byte, entries []mapEntry) (different bool) {
	if len(entries) > fewEntries {
		slices.SortFunc(entries, func(a, b mapEntry) int { return compareEntries(in, &a, &b) })
	} else {
		for n := 1; n < len(entries); n++ {
			for k := n; k > 0 && compareEntries(in, &entries[k-1], &entries[k]) > 0; k-- {
				entries[k-1], entries[k] = entries[k], entries[k-1]
			}
		}
	}
	for k := range entries[1:] {
		if compareEntries(in, &entries[k], &entries[k+1]) == 0 {
			return false
		}
	}
	return true
}

// fewEntries are sorted by insertion.
const fewEntries = 8

// entry writes one entry.
func (w *jsonWriter) entry(out []byte, f *jsonField, in []byte, e mapEntry, depth int) (result []byte, ok bool) {
	if w.exceeds(out) {
		return out, false
	}
	out = append(out, ',')
	if f.mapKey.kind == protoreflect.StringKind {
		if out, ok = appendQuoted(out, in[e.key:e.keyEnd]); !ok {
			return out, false
		}
	} else {
		out = appendNumberKey(out, f.mapKey.kind, e.order)
	}
	out = append(out, ':')
	switch {
	case e.value >= 0:
		out, next := w.value(out, f.mapValue, in, e.value, depth)
		return out, next >= 0
	case f.mapValue.message != nil:
		return w.write(out, f.mapValue.message.get().json, nil, depth)
	default:
		return append(out, f.mapValue.zero...), true
	}
}

// findEntry finds the key and the value of an entry, which begins at that
// position of its message. It refuses an entry that has one of them twice.
func (f *jsonField) findEntry(entry []byte, at int) (found mapEntry, ok bool) {
	key, value := -1, -1
	for i := 0; i < len(entry); {
		tag, next := varint(entry, i)
		if next < 0 || tag < minTag || tag > maxTag {
			return found, false
		}
		switch tag >> 3 {
		case 1:
			if tag&7 != f.mapKey.wireType || key >= 0 {
				return found, false
			}
			key = next
		case 2:
			if tag&7 != f.mapValue.wireType || value >= 0 {
				return found, false
			}
			value = next
		}
		if i = skip(tag, entry, next); i < 0 {
			return found, false
		}
	}
	found.value = value
	if value >= 0 {
		found.value += at
	}
	switch {
	case f.mapKey.kind != protoreflect.StringKind:
		found.order, ok = numberKey(f.mapKey, entry, key)
		return found, ok
	case key >= 0:
		text, end := delimited(entry, key)
		found.order = prefix(text)
		found.key, found.keyEnd = at+end-len(text), at+end
	}
	return found, true
}

// numberKey reads a key that is no text: zero if it is at no position. The keys'
// order is that of the numbers returned.
func numberKey(f *jsonField, in []byte, i int) (order uint64, ok bool) {
	var raw uint64
	if i >= 0 {
		if raw, i = scalar(f.wireType, in, i); i < 0 {
			return 0, false
		}
	}
	number, signed := keyNumber(f.kind, raw)
	if signed {
		number ^= signBit
	}
	return number, true
}

// signBit is what makes the order of signed numbers that of unsigned ones.
const signBit = 1 << 63

// appendNumberKey appends a key that is no text, given its order.
func appendNumberKey(out []byte, kind protoreflect.Kind, order uint64) []byte {
	out = append(out, '"')
	switch _, signed := keyNumber(kind, 0); {
	case kind == protoreflect.BoolKind:
		out = strconv.AppendBool(out, order != 0)
	case signed:
		out = appendInt(out, int64(order^signBit))
	default:
		out = appendUint(out, order)
	}
	return append(out, '"')
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

// compareEntries orders two entries of a map in the message in.
func compareEntries(in []byte, a, b *mapEntry) int {
	if a.order != b.order {
		return cmp.Compare(a.order, b.order)
	}
	return bytes.Compare(in[a.key:a.keyEnd], in[b.key:b.keyEnd])
}
