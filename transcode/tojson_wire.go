package transcode

import (
	"encoding/binary"

	"google.golang.org/protobuf/encoding/protowire"
)

// refused is the position after a value that the fast path does not convert.
// It is malformed, or irregular, or rare: the slow path says.
const refused = -1

// The wire types, in the low bits of tags, and the limits of tags.
const (
	varintType  = uint64(protowire.VarintType)
	fixed32Type = uint64(protowire.Fixed32Type)
	fixed64Type = uint64(protowire.Fixed64Type)
	bytesType   = uint64(protowire.BytesType)
	groupType   = uint64(protowire.StartGroupType)

	minTag = uint64(protowire.MinValidNumber) << 3
	maxTag = uint64(protowire.MaxValidNumber)<<3 | 7
)

// nextTag reads the tag at i, where there is at least a byte. The position after
// it is refused if it is malformed.
func nextTag(in []byte, i int) (tag uint64, next int) {
	if c := in[i]; c < 0x80 && uint64(c) >= minTag {
		return uint64(c), i + 1
	}
	return longTag(in, i)
}

// longTag reads a tag of any length.
func longTag(in []byte, i int) (tag uint64, next int) {
	tag, next = longVarint(in, i)
	if tag < minTag || tag > maxTag {
		return tag, refused
	}
	return tag, next
}

// varint reads a number. The position after it is refused if it is malformed.
func varint(in []byte, i int) (value uint64, next int) {
	if i < len(in) && in[i] < 0x80 {
		return uint64(in[i]), i + 1
	}
	return longVarint(in, i)
}

// longVarint is not inlined, so that its callers have room for the short way.
//
//go:noinline
func longVarint(in []byte, i int) (value uint64, next int) {
	rest := in[i:]
	for k, c := range rest[:min(len(rest), 10)] {
		value |= uint64(c&0x7f) << (7 * k)
		if c < 0x80 {
			if k == 9 && c > 1 {
				return 0, refused // more than 64 bits
			}
			return value, i + k + 1
		}
	}
	return 0, refused
}

// delimited reads what is preceded by its length.
func delimited(in []byte, i int) (content []byte, next int) {
	if i >= len(in) {
		return nil, refused
	}
	size := uint64(in[i])
	i++
	if size >= 0x80 {
		if size, i = longVarint(in, i-1); i < 0 {
			return nil, refused
		}
	}
	if size > uint64(len(in)-i) {
		return nil, refused
	}
	next = i + int(size)
	return in[i:next], next
}

// scalar reads a number as it is on the wire.
func scalar(wireType uint64, in []byte, i int) (raw uint64, next int) {
	switch wireType {
	case varintType:
		return varint(in, i)
	case fixed32Type:
		if len(in)-i < 4 {
			return 0, refused
		}
		return uint64(binary.LittleEndian.Uint32(in[i:])), i + 4
	case fixed64Type:
		if len(in)-i < 8 {
			return 0, refused
		}
		return binary.LittleEndian.Uint64(in[i:]), i + 8
	default:
		return 0, refused
	}
}

// skip is the position after the value of an unknown field.
func skip(tag uint64, in []byte, i int) (next int) {
	switch tag & 7 {
	case varintType:
		_, next = varint(in, i)
		return next
	case bytesType:
		_, next = delimited(in, i)
		return next
	default:
		number := protowire.Number(tag >> 3)
		size := protowire.ConsumeFieldValue(number, protowire.Type(tag&7), in[i:])
		if size < 0 {
			return refused
		}
		return i + size
	}
}
