package transcode

import (
	"encoding/binary"
	"math/bits"
	"unicode/utf16"
	"unicode/utf8"
)

const (
	eachByte    = 0x0101010101010101
	eachHighBit = 0x8080808080808080
)

// plainEnd is the index of the first quote or backslash from i on, where a
// string's characters begin or go on. It is irregular when a control character
// or invalid UTF-8 comes before, or none of both comes.
func (p *parser) plainEnd(i int) int {
	in, start := p.in, i
	var high uint64 // has the high bits of the bytes that are not ASCII
	for len(in)-i >= 8 {
		word := binary.LittleEndian.Uint64(in[i:])
		if stop := stops(word); stop != 0 {
			n := bits.TrailingZeros64(stop) / 8
			high |= word & eachHighBit & (1<<(8*n) - 1)
			return p.stop(start, i+n, high != 0)
		}
		high |= word & eachHighBit
		i += 8
	}
	for ; i < len(in); i++ {
		c := in[i]
		if c == '"' || c == '\\' || c < ' ' {
			return p.stop(start, i, high != 0)
		}
		high |= uint64(c & 0x80)
	}
	return irregular
}

// stops has, of the bytes of a word that are a quote, a backslash or a control
// character, the high bit of the first one set, and none below it.
func stops(word uint64) uint64 {
	quote := word ^ eachByte*'"'
	backslash := word ^ eachByte*'\\'
	return ((word-eachByte*' ')&^word | (quote-eachByte)&^quote | (backslash-eachByte)&^backslash) & eachHighBit
}

// stop is the index of the byte at which plainEnd stopped, if it may.
func (p *parser) stop(start, i int, high bool) int {
	if p.in[i] < ' ' || high && !utf8.Valid(p.in[start:i]) {
		return irregular
	}
	return i
}

// skipString reads a string, or a name, and drops it.
func (p *parser) skipString(i int) int {
	end := p.plainEnd(i + 1)
	if end >= 0 && p.in[end] == '\\' {
		before := len(p.out)
		end = p.unescaped(end)
		p.out = p.out[:before]
	}
	if end < 0 {
		return irregular
	}
	return end + 1
}

// unescaped appends the characters of a string, from i up to its closing
// quote, whose index it returns.
func (p *parser) unescaped(i int) int {
	for {
		end := p.plainEnd(i)
		if end < 0 {
			return irregular
		}
		p.out = append(p.out, p.in[i:end]...)
		if p.in[end] == '"' {
			return end
		}
		if i = p.escape(end + 1); i < 0 {
			return irregular
		}
	}
}

// escape appends the character of an escape sequence, from what follows its
// backslash on.
func (p *parser) escape(i int) int {
	c := p.at(i)
	switch c {
	case '"', '\\', '/':
	case 'b':
		c = '\b'
	case 'f':
		c = '\f'
	case 'n':
		c = '\n'
	case 'r':
		c = '\r'
	case 't':
		c = '\t'
	case 'u':
		return p.codePoint(i + 1)
	default:
		return irregular
	}
	p.out = append(p.out, c)
	return i + 1
}

// codePoint appends the character that the four digits after \u are, or the
// surrogate pair that they begin.
func (p *parser) codePoint(i int) int {
	r := p.hex(i)
	if r < 0 {
		return irregular
	}
	i += 4
	if utf16.IsSurrogate(r) {
		if p.at(i) != '\\' || p.at(i+1) != 'u' {
			return irregular
		}
		if r = utf16.DecodeRune(r, p.hex(i+2)); r == utf8.RuneError {
			return irregular
		}
		i += 6
	}
	p.out = utf8.AppendRune(p.out, r)
	return i
}

// hex is the value of four hexadecimal digits, or negative.
func (p *parser) hex(i int) rune {
	var r rune
	for n := range 4 {
		switch c := p.at(i + n); {
		case '0' <= c && c <= '9':
			r = r<<4 | rune(c-'0')
		case 'a' <= c && c <= 'f':
			r = r<<4 | rune(c-'a'+10)
		case 'A' <= c && c <= 'F':
			r = r<<4 | rune(c-'A'+10)
		default:
			return -1
		}
	}
	return r
}
