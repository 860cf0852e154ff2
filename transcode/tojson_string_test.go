package transcode

import (
	"strings"
	"testing"

	"google.golang.org/protobuf/types/known/wrapperspb"
)

// TestStringsToJSON has every character that could need care at every place of
// the words that are looked at together.
func TestStringsToJSON(t *testing.T) {
	converter := converterOf(t, &wrapperspb.StringValue{}, Options{})
	special := []string{
		"", `"`, `\`, "/", "<&>", "\x7f", "\u0080", "é", "微", "\u2028", "\u2029", "\ufffd", "\U0001f600", "\u00a2\"", "ÿ\\",
	}
	for c := range ' ' {
		special = append(special, string(c))
	}
	for _, character := range special {
		for before := range 18 {
			for after := range 10 {
				text := strings.Repeat("a", before) + character + strings.Repeat("z", after)
				checkFast(t, converter, wrapperspb.String(text))
				checkFast(t, converter, wrapperspb.String(text+character))
			}
		}
	}
	checkFast(t, converter, wrapperspb.String(strings.Repeat(`a "quoted" word, `, 1000)))
	checkFast(t, converter, wrapperspb.String(strings.Repeat("жук\n", 1000)))
}

func TestInvalidUTF8IsRefused(t *testing.T) {
	for _, bad := range []string{"\xff", "\x80", "\xc0\x80", "\xed\xa0\x80", "\xf4\x90\x80\x80", "\xe2\x82", "\xf0\x9f\x98"} {
		for before := range 18 {
			for _, after := range []string{"", "z", "é", `"`, "zzzzzzzzzz"} {
				text := strings.Repeat("a", before) + bad + after
				if out, ok := appendQuoted(nil, []byte(text)); ok {
					t.Errorf("%q became %s", text, out)
				}
			}
		}
	}
}

func TestBytesToJSON(t *testing.T) {
	converter := converterOf(t, &wrapperspb.BytesValue{}, Options{})
	data := make([]byte, 300)
	for i := range data {
		data[i] = byte(i * 7)
		checkFast(t, converter, wrapperspb.Bytes(data[:i]))
	}
}
