package transcode

import (
	"math"
	"strconv"
)

// integer is a number's sign and magnitude.
type integer struct {
	magnitude uint64
	negative  bool
}

// integer reads a number without a fraction, which may stand in quotes.
func (p *parser) integer(i int) (integer, int) {
	if p.at(i) != '"' {
		return p.number(i)
	}
	n, i := p.number(i + 1)
	if p.at(i) != '"' {
		return integer{}, irregular
	}
	return n, i + 1
}

// number reads a number without a fraction: 10, but also 1e1 and 10.0.
func (p *parser) number(i int) (integer, int) {
	n, end := p.digits(i)
	switch c := p.at(end); {
	case end >= 0 && c != '.' && c != 'e' && c != 'E':
		return n, end
	default:
		return p.scaled(i)
	}
}

// digits reads a sign and the digits of a number that fits. It is irregular
// when there are none, or the first of several is 0.
func (p *parser) digits(i int) (integer, int) {
	in := p.in
	var n integer
	if p.at(i) == '-' {
		n.negative = true
		i++
	}
	start := i
	for uint(i) < uint(len(in)) {
		digit := in[i] - '0'
		if digit > 9 {
			break
		}
		n.magnitude = n.magnitude*10 + uint64(digit)
		i++
	}
	switch size := i - start; {
	case size == 0, size > 1 && in[start] == '0':
		return integer{}, irregular
	case size < 20:
		return n, i
	case size == 20 && in[start] == '1' && n.magnitude >= 1e19: // It has not wrapped around.
		return n, i
	default:
		return integer{}, irregular
	}
}

// scaled reads a number with a fraction, an exponent or many digits. The
// digits that are left after the exponent's shift must be whole.
func (p *parser) scaled(i int) (integer, int) {
	text, end := p.parts(i)
	if end < 0 {
		return integer{}, irregular
	}
	n := integer{negative: text.negative}
	whole, fraction := text.whole, text.fraction
	for len(fraction) > 0 && fraction[len(fraction)-1] == '0' {
		fraction = fraction[:len(fraction)-1]
	}
	if len(whole) == 1 && whole[0] == '0' {
		whole = nil
	}
	if len(whole) == 0 && len(fraction) == 0 {
		return n, end
	}
	zeros := text.exponent - len(fraction) // to append; or digits to take away
	for ; zeros < 0 && len(whole) > 0 && len(fraction) == 0; zeros++ {
		if whole[len(whole)-1] != '0' {
			return integer{}, irregular
		}
		whole = whole[:len(whole)-1]
	}
	if zeros < 0 || len(whole)+len(fraction)+zeros > 20 {
		return integer{}, irregular
	}
	var fits bool
	if n.magnitude, fits = decimal(whole, fraction, zeros); !fits {
		return integer{}, irregular
	}
	return n, end
}

// decimal is the number with these digits and so many zeros after them.
func decimal(whole, fraction []byte, zeros int) (n uint64, fits bool) {
	for i := range len(whole) + len(fraction) + zeros {
		var digit uint64
		switch {
		case i < len(whole):
			digit = uint64(whole[i] - '0')
		case i < len(whole)+len(fraction):
			digit = uint64(fraction[i-len(whole)] - '0')
		}
		if n > (math.MaxUint64-digit)/10 {
			return 0, false
		}
		n = n*10 + digit
	}
	return n, true
}

// numberText is a number's text, taken apart.
type numberText struct {
	negative        bool
	whole, fraction []byte // digits
	exponent        int
}

// maxExponent bounds the exponents that are taken apart.
const maxExponent = 10_000

// parts reads a number of JSON's grammar. An exponent without digits, which
// protojson accepts in places, is irregular, and so is a huge one.
func (p *parser) parts(i int) (numberText, int) {
	var text numberText
	if p.at(i) == '-' {
		text.negative = true
		i++
	}
	end := p.digitsEnd(i)
	text.whole = p.in[min(i, end):end]
	if len(text.whole) == 0 || len(text.whole) > 1 && text.whole[0] == '0' {
		return text, irregular
	}
	i = end
	if p.at(i) == '.' {
		end = p.digitsEnd(i + 1)
		if text.fraction = p.in[i+1 : end]; len(text.fraction) == 0 {
			return text, irregular
		}
		i = end
	}
	if c := p.at(i); c != 'e' && c != 'E' {
		return text, i
	}
	i++
	sign := 1
	if c := p.at(i); c == '-' || c == '+' {
		sign = int(',') - int(c)
		i++
	}
	if end = p.digitsEnd(i); end == i {
		return text, irregular
	}
	for ; i < end; i++ {
		if text.exponent = text.exponent*10 + int(p.in[i]-'0'); text.exponent > maxExponent {
			return text, irregular
		}
	}
	text.exponent *= sign
	return text, end
}

func (p *parser) digitsEnd(i int) int {
	for uint(i) < uint(len(p.in)) && p.in[i]-'0' <= 9 {
		i++
	}
	return i
}

// numberEnd is the end of a number.
func (p *parser) numberEnd(i int) int {
	_, end := p.parts(i)
	return end
}

// powers are those of 10 that a float64 has exactly, as far as they are needed.
var powers = [...]float64{1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15}

// floatingPoint reads a number of 32 or 64 bits, which may stand in quotes.
func (p *parser) floatingPoint(i, size int) (float64, int) {
	if p.at(i) != '"' {
		return p.plainFloat(i, size)
	}
	i++
	if end := p.literal(`NaN"`, i); end > 0 {
		return math.NaN(), end
	}
	if end := p.literal(`Infinity"`, i); end > 0 {
		return math.Inf(1), end
	}
	if end := p.literal(`-Infinity"`, i); end > 0 {
		return math.Inf(-1), end
	}
	value, i := p.plainFloat(i, size)
	if p.at(i) != '"' {
		return 0, irregular
	}
	return value, i + 1
}

// plainFloat reads a number. Few digits make a fraction of two numbers that
// are exact, so that one division rounds right.
func (p *parser) plainFloat(i, size int) (float64, int) {
	digits := i
	if p.at(i) == '-' {
		digits++
	}
	most := 15
	if size == 32 {
		most = 7
	}
	n, scale, end := p.fixedPoint(digits, most)
	if end < 0 {
		return p.anyFloat(i, size)
	}
	return quotient(n, scale, size, digits > i), end
}

// fixedPoint reads a number n / 10^scale of at most so many digits, without a
// sign or an exponent.
func (p *parser) fixedPoint(i, most int) (n uint64, scale, end int) {
	in, first, point := p.in, i, -1
	for ; uint(i) < uint(len(in)); i++ {
		if digit := in[i] - '0'; digit <= 9 {
			n = n*10 + uint64(digit)
		} else if in[i] == '.' && point < 0 {
			point = i
		} else {
			break
		}
	}
	digits := i - first
	if point >= 0 {
		digits--
		scale = i - point - 1
	}
	switch {
	case digits == 0, digits > most,
		point == first, point == i-1, // no digits before it, or after
		in[first] == '0' && digits > 1 && point != first+1, // a leading zero
		p.at(i)|0x20 == 'e':
		return 0, 0, irregular
	default:
		return n, scale, i
	}
}

// anyFloat reads any number.
func (p *parser) anyFloat(i, size int) (float64, int) {
	end := p.numberEnd(i)
	if end < 0 {
		return 0, irregular
	}
	value, err := strconv.ParseFloat(string(p.in[i:end]), size)
	if err != nil {
		return 0, irregular
	}
	return value, end
}

// quotient is n / 10^scale in that precision.
func quotient(n uint64, scale, size int, negative bool) float64 {
	value := float64(n)
	if scale > 0 {
		value /= powers[scale]
		if size == 32 {
			value = float64(float32(n) / float32(powers[scale]))
		}
	}
	if negative {
		value = -value
	}
	return value
}
