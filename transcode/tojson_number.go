package transcode

import (
	"math"
	"strconv"
)

// appendInt is strconv.AppendInt, with a shorter way for short numbers.
func appendInt(out []byte, n int64) []byte {
	if n >= 0 {
		return appendUint(out, uint64(n))
	}
	return strconv.AppendInt(out, n, 10)
}

func appendUint(out []byte, n uint64) []byte {
	switch {
	case n < 10:
		return append(out, '0'+byte(n))
	case n < 100:
		return appendTwoDigits(out, byte(n))
	case n < 10_000:
		out = appendUint(out, n/100)
		return appendTwoDigits(out, byte(n%100))
	default:
		return strconv.AppendUint(out, n, 10)
	}
}

func appendTwoDigits(out []byte, n byte) []byte {
	return append(out, '0'+n/10, '0'+n%10)
}

// appendQuotedInt appends a 64-bit integer as ProtoJSON has it, in quotes.
func appendQuotedInt(out []byte, n int64) []byte {
	out = appendInt(append(out, '"'), n)
	return append(out, '"')
}

func appendQuotedUint(out []byte, n uint64) []byte {
	out = appendUint(append(out, '"'), n)
	return append(out, '"')
}

// Below these every integer has a float of its own, so that the shortest text
// for the float is the integer's.
const (
	exactInDouble = 1 << 53
	exactInFloat  = 1 << 24
)

// appendDouble appends the shortest number that is read back as the same.
func appendDouble(out []byte, f float64) []byte {
	if integer := int64(f); float64(integer) == f && -exactInDouble < integer && integer < exactInDouble && math.Float64bits(f) != negativeZero {
		return appendInt(out, integer)
	}
	magnitude := math.Abs(f)
	if magnitude >= 1e-6 && magnitude < 1e13 {
		// No two numbers of up to 15 digits are the same double. So if the double
		// is that of such a number, no shorter text than the number's is.
		if scaled := int64(magnitude*1e2 + 0.5); float64(scaled)/1e2 == magnitude {
			return appendDecimal(out, f, uint64(scaled/1e2), uint64(scaled%1e2*1e4))
		}
		if scaled := int64(magnitude*1e6 + 0.5); scaled < 1e15 && float64(scaled)/1e6 == magnitude {
			return appendDecimal(out, f, uint64(scaled/1e6), uint64(scaled%1e6))
		}
	}
	switch {
	case !isFinite(f):
		return appendSpecial(out, f)
	case f == 0:
		return append(out, "-0"...)
	case magnitude < 1e-6 || magnitude >= 1e21:
		return appendExponent(out, f, 64)
	default:
		return strconv.AppendFloat(out, f, 'f', -1, 64)
	}
}

// appendDecimal appends a number that is no integer, with the sign of f, given
// its integral part and its millionths.
func appendDecimal(out []byte, f float64, integral, millionths uint64) []byte {
	if f < 0 {
		out = append(out, '-')
	}
	out = append(appendUint(out, integral), '.')
	for millionths != 0 {
		digits := byte(millionths / 1e4)
		millionths = millionths % 1e4 * 1e2
		if millionths == 0 && digits%10 == 0 {
			return append(out, '0'+digits/10)
		}
		out = appendTwoDigits(out, digits)
	}
	return out
}

// appendFloat is appendDouble for a float.
func appendFloat(out []byte, single float32) []byte {
	f := float64(single)
	if integer := int64(f); float64(integer) == f && -exactInFloat < integer && integer < exactInFloat && math.Float64bits(f) != negativeZero {
		return appendInt(out, integer)
	}
	if !isFinite(f) {
		return appendSpecial(out, f)
	}
	// The limits are floats, too: the double 1e-6 is between two of them.
	if magnitude := float32(math.Abs(f)); magnitude != 0 && (magnitude < 1e-6 || magnitude >= 1e21) {
		return appendExponent(out, f, 32)
	}
	return strconv.AppendFloat(out, f, 'f', -1, 32)
}

const negativeZero = 1 << 63

func isFinite(f float64) bool { return f-f == 0 }

// appendSpecial appends what JSON has no number for.
func appendSpecial(out []byte, f float64) []byte {
	switch {
	case math.IsNaN(f):
		return append(out, `"NaN"`...)
	case f > 0:
		return append(out, `"Infinity"`...)
	default:
		return append(out, `"-Infinity"`...)
	}
}

// appendExponent appends a number as 1e-7: JavaScript's form, which has no
// zero before the exponent.
func appendExponent(out []byte, f float64, bits int) []byte {
	out = strconv.AppendFloat(out, f, 'e', -1, bits)
	if n := len(out); out[n-2] == '0' && out[n-3] == '-' {
		out[n-2] = out[n-1]
		out = out[:n-1]
	}
	return out
}
