package transcode

import (
	"encoding/base64"
	"encoding/binary"
	"slices"
)

// base64Pairs are the digits of base64 for every twelve bits, as two bytes are
// in memory.
var base64Pairs = func() (pairs [1 << 12]uint16) {
	const digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
	for n := range pairs {
		pairs[n] = binary.LittleEndian.Uint16([]byte{digits[n>>6], digits[n&63]})
	}
	return pairs
}()

// appendBase64 appends bytes as a JSON string in the standard alphabet.
func appendBase64(out, data []byte) []byte {
	size := base64.StdEncoding.EncodedLen(len(data)) + 2
	if cap(out)-len(out) < size {
		out = slices.Grow(out, size)
	}
	out = append(out, '"')
	for ; len(data) >= 8; data = data[6:] {
		// Six bytes of the eight are eight digits.
		word := binary.BigEndian.Uint64(data)
		out = binary.LittleEndian.AppendUint64(out, uint64(base64Pairs[word>>52])|
			uint64(base64Pairs[word>>40&0xfff])<<16|
			uint64(base64Pairs[word>>28&0xfff])<<32|
			uint64(base64Pairs[word>>16&0xfff])<<48)
	}
	for ; len(data) >= 3; data = data[3:] {
		out = appendDigits(out, data[0], data[1], data[2])
	}
	switch len(data) {
	case 2:
		out = appendDigits(out, data[0], data[1], 0)
		out[len(out)-1] = '='
	case 1:
		out = appendDigits(out, data[0], 0, 0)
		out[len(out)-1], out[len(out)-2] = '=', '='
	}
	return append(out, '"')
}

// appendDigits appends four digits for three bytes.
func appendDigits(out []byte, a, b, c byte) []byte {
	high, low := base64Pairs[uint(a)<<4|uint(b)>>4], base64Pairs[uint(b)&15<<8|uint(c)]
	return append(out, byte(high), byte(high>>8), byte(low), byte(low>>8))
}
