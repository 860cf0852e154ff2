package transcode

import "slices"

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
