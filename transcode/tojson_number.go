package transcode

import (
	"math"
	"strconv"
)

// appendQuotedInt appends a 64-bit integer as ProtoJSON has it, in quotes.
func appendQuotedInt(out []byte, n int64) []byte {
	out = strconv.AppendInt(append(out, '"'), n, 10)
	return append(out, '"')
}

func appendQuotedUint(out []byte, n uint64) []byte {
	out = strconv.AppendUint(append(out, '"'), n, 10)
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
		return strconv.AppendInt(out, integer, 10)
	}
	if !isFinite(f) {
		return appendSpecial(out, f)
	}
	if magnitude := math.Abs(f); magnitude != 0 && (magnitude < 1e-6 || magnitude >= 1e21) {
		return appendExponent(out, f, 64)
	}
	return strconv.AppendFloat(out, f, 'f', -1, 64)
}

// appendFloat is appendDouble for a float.
func appendFloat(out []byte, single float32) []byte {
	f := float64(single)
	if integer := int64(f); float64(integer) == f && -exactInFloat < integer && integer < exactInFloat && math.Float64bits(f) != negativeZero {
		return strconv.AppendInt(out, integer, 10)
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
