package transcode

import (
	"encoding/binary"
	"slices"
)

// invalid marks, in an alphabet, what is not part of it.
const invalid = 0x80

// alphabet has the value of each of the 64 characters.
type alphabet [256]byte

func newAlphabet(last string) *alphabet {
	var a alphabet
	for i := range a {
		a[i] = invalid
	}
	for i, c := range []byte("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789" + last) {
		a[c] = byte(i)
	}
	return &a
}

var (
	standardAlphabet = newAlphabet("+/")
	urlAlphabet      = newAlphabet("-_")
)

// maxShort bounds, in bytes, what shortBase64 decodes, so that little is lost
// where more comes. It fits into a length of one byte.
const maxShort = 48

// shortBase64 reads a string, from its first character on, and appends its bytes
// with their tag and length. It finds the string's end on its way. What is not
// short, padded and in the standard alphabet, or has no room, is irregular, and
// not appended.
func (p *parser) shortBase64(tag string, always bool, i int) int {
	out := p.out
	if len(tag) == 1 {
		out = append(out, tag[0], 0)
	} else {
		out = append(append(out, tag...), 0)
	}
	start := len(out)
	in, room := p.in[i:], out[start:cap(out)]
	if len(room) > maxShort {
		room = room[:maxShort]
	}
	size := 0
	for len(in) >= 4 && len(room) >= 4 {
		w, x, y, z := standardAlphabet[in[0]], standardAlphabet[in[1]], standardAlphabet[in[2]], standardAlphabet[in[3]]
		decoded := 3
		if w|x|y|z >= invalid {
			if decoded = paddedSize(w|x, y, in); decoded == 0 {
				break
			}
		}
		binary.BigEndian.PutUint32(room, uint32(w)<<26|uint32(x)<<20|uint32(y)<<14|uint32(z)<<8)
		size += decoded
		in = in[4:]
		if decoded < 3 {
			break
		}
		room = room[3:]
	}
	if len(in) == 0 || in[0] != '"' {
		return irregular
	}
	if size > 0 || always {
		out[start-1] = byte(size)
		p.out = out[:start+size]
	}
	return len(p.in) - len(in) + 1
}

// paddedSize is how many bytes the last four characters are, given the values of
// the first two and of the third. It is 0 if they are not padded.
func paddedSize(two, third byte, four []byte) int {
	switch {
	case two >= invalid || four[3] != '=':
		return 0
	case four[2] == '=':
		return 1
	case third < invalid:
		return 2
	default:
		return 0
	}
}

// appendBase64 appends bytes given in one of the two alphabets, padded or not,
// with their length.
func (p *parser) appendBase64(encoded []byte) bool {
	if len(encoded)%4 == 0 {
		for padding := 0; padding < 2 && len(encoded) > 0 && encoded[len(encoded)-1] == '='; padding++ {
			encoded = encoded[:len(encoded)-1]
		}
	}
	if len(encoded)%4 == 1 {
		return false
	}
	size := len(encoded)/4*3 + (len(encoded)%4*3)/4
	p.appendLength(size)
	before := len(p.out)
	p.out = slices.Grow(p.out, size)[:before+size]
	decoded := p.out[before:]
	return standardAlphabet.decode(decoded, encoded) || urlAlphabet.decode(decoded, encoded)
}

// decode fills decoded. It reports false when there is something else than the
// alphabet's.
func (a *alphabet) decode(decoded, encoded []byte) bool {
	var bad byte
	for len(encoded) >= 4 && len(decoded) >= 3 {
		w, x, y, z := a[encoded[0]], a[encoded[1]], a[encoded[2]], a[encoded[3]]
		bad |= w | x | y | z
		decoded[0], decoded[1], decoded[2] = w<<2|x>>4, x<<4|y>>2, y<<6|z
		encoded, decoded = encoded[4:], decoded[3:]
	}
	if len(encoded) >= 2 {
		w, x := a[encoded[0]], a[encoded[1]]
		bad |= w | x
		decoded[0] = w<<2 | x>>4
		if len(encoded) == 3 {
			y := a[encoded[2]]
			bad |= y
			decoded[1] = x<<4 | y>>2
		}
	}
	return bad < invalid
}
