package form

import (
	"bytes"
	"errors"
	"net/url"
)

// maxFormParameters is the number of parameters that net/url takes, too.
const maxFormParameters = 10000

// Why a form is malformed, besides [url.EscapeError].
var (
	errTooManyParameters = errors.New("it has more parameters than the 10000 allowed")
	errSemicolon         = errors.New("invalid semicolon separator")
)

// decodeForm reads the parameters from application/x-www-form-urlencoded. It
// accepts and refuses what [url.ParseQuery] does, but decodes in place: the
// values lie in the body, which is of no other use any more. ParseQuery looks at
// every byte twice and copies the message three times: with it, a whole request
// of 1 KB takes a sixth more processor time, and one of 50 KB more than twice as
// much.
func decodeForm(body []byte) (params, error) {
	if bytes.Count(body, []byte("&"))+1 > maxFormParameters {
		return params{}, malformedForm(errTooManyParameters)
	}
	var p params
	for len(body) > 0 {
		var pair []byte
		pair, body, _ = bytes.Cut(body, []byte("&"))
		if bytes.IndexByte(pair, ';') >= 0 {
			return params{}, malformedForm(errSemicolon)
		}
		if len(pair) == 0 {
			continue
		}
		name, value, _ := bytes.Cut(pair, []byte("="))
		name, err := decodeText(name)
		if err != nil {
			return params{}, malformedForm(err)
		}
		if value, err = decodeText(value); err != nil {
			return params{}, malformedForm(err)
		}
		if param := p.find(name); param != nil {
			param.value = value
			param.times++
		}
	}
	return p, p.onlyOnce()
}

func malformedForm(err error) error {
	return malformed("the form is malformed: " + err.Error())
}

// decodeText decodes a name or a value in place. Most are short and as they are,
// which a plain loop sees before package bytes has prepared a search.
func decodeText(text []byte) ([]byte, error) {
	for _, c := range text {
		if c == '%' || c == '+' {
			return unescape(text)
		}
	}
	return text, nil
}

// unescape decodes text in place.
func unescape(text []byte) ([]byte, error) {
	begin := bytes.IndexAny(text, "%+")
	if begin < 0 {
		return text, nil
	}
	n := begin
	for i := begin; i < len(text); n++ {
		switch c := text[i]; c {
		case '%':
			rest := text[i:]
			if len(rest) < len("%41") || digits[rest[1]]|digits[rest[2]] == noDigit {
				return nil, url.EscapeError(rest[:min(len(rest), len("%41"))])
			}
			text[n] = digits[rest[1]]<<4 | digits[rest[2]]
			i += len("%41")
		case '+':
			text[n] = ' '
			i++
		default:
			text[n] = c
			i++
		}
	}
	return text[:n], nil
}

// noDigit is the value of what is no hexadecimal digit; joined with any other
// by "or" it stays the same.
const noDigit = 0xff

// digits are the values of hexadecimal digits.
var digits = func() (values [256]byte) {
	for c := range values {
		switch {
		case '0' <= c && c <= '9':
			values[c] = byte(c - '0')
		case 'a' <= c && c <= 'f':
			values[c] = byte(c - 'a' + 10)
		case 'A' <= c && c <= 'F':
			values[c] = byte(c - 'A' + 10)
		default:
			values[c] = noDigit
		}
	}
	return values
}()
