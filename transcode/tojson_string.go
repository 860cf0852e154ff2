package transcode

import (
	"encoding/binary"
	"math/bits"
	"slices"
	"unicode/utf8"
)

// appendQuoted appends text as a JSON string. It reports whether the text is
// valid UTF-8; the result is of no use otherwise.
func appendQuoted(out, text []byte) (result []byte, valid bool) {
	if cap(out)-len(out) < len(text)+wordRoom {
		out = slices.Grow(out, len(text)+wordRoom)
	}
	out, rest := copyPlain(append(out, '"'), text, highBits)
	if len(rest) > 0 {
		return appendRest(out, rest)
	}
	return append(out, '"'), true
}

// appendRest appends what follows the first character of a string that is not
// simply copied, and that character.
func appendRest(out, text []byte) (result []byte, valid bool) {
	care := highBits // the bytes that stop the copying, as far as they are not escaped
	for len(text) > 0 {
		if c := text[0]; c < utf8.RuneSelf {
			out = appendEscaped(out, c)
			text = text[1:]
		} else if care = 0; !utf8.Valid(text) {
			return out, false
		}
		if cap(out)-len(out) < len(text)+wordRoom {
			out = slices.Grow(out, len(text)+wordRoom)
		}
		out, text = copyPlain(out, text, care)
	}
	return append(out, '"'), true
}

// Words of eight bytes, as they are in memory.
const (
	everyByte        = 0x0101010101010101
	highBits  uint64 = 0x80 * everyByte
	wordSize         = 8
	// wordRoom is the room that two quotes take, and copying in words.
	wordRoom = wordSize + 2
)

// copyPlain appends text up to the first byte that JSON escapes or whose high
// bit is set in care, and returns the rest. There is room for the text and
// eight bytes more.
func copyPlain(out, text []byte, care uint64) (result, rest []byte) {
	room := out[len(out):cap(out)]
	if len(text) < wordSize {
		word := partialWord(text)
		binary.LittleEndian.PutUint64(room, word)
		// Beyond the text are zeros, which stop it.
		plain := min(bits.TrailingZeros64(stopsIn(word, care))/8, len(text))
		return out[:len(out)+plain], text[plain:]
	}
	for at := 0; ; {
		word := binary.LittleEndian.Uint64(text[at:])
		binary.LittleEndian.PutUint64(room[at:], word)
		if stops := stopsIn(word, care); stops != 0 {
			at += bits.TrailingZeros64(stops) / 8
			return out[:len(out)+at], text[at:]
		}
		at += wordSize
		if at == len(text) {
			return out[:len(out)+at], nil
		}
		at = min(at, len(text)-wordSize) // The last word is of the last bytes.
	}
}

// stopsIn sets the high bit of the first byte that JSON strings must escape or
// whose high bit is set in care. It may set those of bytes after it.
func stopsIn(word, care uint64) uint64 {
	control := word - ' '*everyByte
	quote := (word ^ '"'*everyByte) - everyByte
	backslash := (word ^ '\\'*everyByte) - everyByte
	return ((control|quote|backslash)&^word | word&care) & highBits
}

// partialWord is a word with fewer than eight bytes of text, and zeros.
func partialWord(text []byte) uint64 {
	switch n := len(text); {
	case n >= 4:
		low, high := binary.LittleEndian.Uint32(text), binary.LittleEndian.Uint32(text[n-4:])
		return uint64(low) | uint64(high)<<(8*(n-4))
	case n > 0:
		return uint64(text[0]) | uint64(text[n/2])<<(8*(n/2)) | uint64(text[n-1])<<(8*(n-1))
	default:
		return 0
	}
}

const hexDigits = "0123456789abcdef"

// appendEscaped appends the escape sequence of a character that needs one.
func appendEscaped(out []byte, c byte) []byte {
	switch c {
	case '"', '\\':
		return append(out, '\\', c)
	case '\b':
		return append(out, '\\', 'b')
	case '\f':
		return append(out, '\\', 'f')
	case '\n':
		return append(out, '\\', 'n')
	case '\r':
		return append(out, '\\', 'r')
	case '\t':
		return append(out, '\\', 't')
	default:
		return append(out, '\\', 'u', '0', '0', hexDigits[c>>4], hexDigits[c&15])
	}
}
