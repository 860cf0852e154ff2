package transcode

import (
	"encoding/base64"
	"encoding/binary"
	"unicode/utf8"
)

// appendQuoted appends text as a JSON string. It reports whether the text is
// valid UTF-8; the result is of no use otherwise.
func appendQuoted(out, text []byte) (result []byte, valid bool) {
	out = append(out, '"')
	plain := plainPrefix(text)
	out = append(out, text[:plain]...)
	if plain == len(text) {
		return append(out, '"'), true
	}
	text = text[plain:]
	if !utf8.Valid(text) {
		return out, false
	}
	for {
		plain = unescapedPrefix(text)
		out = append(out, text[:plain]...)
		if plain == len(text) {
			return append(out, '"'), true
		}
		out = appendEscaped(out, text[plain])
		text = text[plain+1:]
	}
}

const (
	everyByte = 0x0101010101010101
	highBits  = 0x80 * everyByte
)

// plainPrefix is how many bytes at the start are ASCII that JSON strings hold
// as it is. It may stop up to seven bytes early.
func plainPrefix(text []byte) int {
	i := 0
	for ; i+8 <= len(text); i += 8 {
		word := binary.LittleEndian.Uint64(text[i:])
		if (word|escapes(word))&highBits != 0 {
			return i
		}
	}
	for ; i < len(text); i++ {
		if escaped[text[i]] || text[i] >= utf8.RuneSelf {
			return i
		}
	}
	return i
}

// unescapedPrefix is how many bytes of valid UTF-8 JSON strings hold as they
// are.
func unescapedPrefix(text []byte) int {
	i := 0
	for ; i+8 <= len(text); i += 8 {
		word := binary.LittleEndian.Uint64(text[i:])
		if escapes(word)&^word&highBits != 0 {
			break
		}
	}
	for ; i < len(text); i++ {
		if escaped[text[i]] {
			return i
		}
	}
	return i
}

// escapes sets the high bit of each byte that JSON strings must escape. It may
// also set those of bytes beyond the first such byte, and of bytes that are no
// ASCII.
func escapes(word uint64) uint64 {
	control := word - ' '*everyByte
	quote := (word ^ '"'*everyByte) - everyByte
	backslash := (word ^ '\\'*everyByte) - everyByte
	return control | quote | backslash
}

// escaped are the bytes that JSON strings must escape.
var escaped = func() (table [256]bool) {
	for c := range ' ' {
		table[c] = true
	}
	table['"'], table['\\'] = true, true
	return table
}()

const hexDigits = "0123456789abcdef"

// appendEscaped appends the escape sequence of a character below 128.
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

// appendBase64 appends bytes as a JSON string in the standard alphabet.
func appendBase64(out, data []byte) []byte {
	out = append(out, '"')
	out = base64.StdEncoding.AppendEncode(out, data)
	return append(out, '"')
}
