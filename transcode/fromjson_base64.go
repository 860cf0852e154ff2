package transcode

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
	p.appendLength(len(encoded)/4*3 + (len(encoded)%4*3)/4)
	before := len(p.out)
	if p.decodeBase64(standardAlphabet, encoded) {
		return true
	}
	p.out = p.out[:before]
	return p.decodeBase64(urlAlphabet, encoded)
}

// decodeBase64 reports false when there is something else than the alphabet's.
func (p *parser) decodeBase64(a *alphabet, encoded []byte) bool {
	out, bad := p.out, byte(0)
	for ; len(encoded) >= 4; encoded = encoded[4:] {
		w, x, y, z := a[encoded[0]], a[encoded[1]], a[encoded[2]], a[encoded[3]]
		bad |= w | x | y | z
		out = append(out, w<<2|x>>4, x<<4|y>>2, y<<6|z)
	}
	if len(encoded) >= 2 {
		w, x, y := a[encoded[0]], a[encoded[1]], byte(0)
		out = append(out, w<<2|x>>4)
		if len(encoded) == 3 {
			y = a[encoded[2]]
			out = append(out, x<<4|y>>2)
		}
		bad |= w | x | y
	}
	p.out = out
	return bad < invalid
}
