package transcode

import (
	"bytes"
	"encoding/base64"
	"math/rand/v2"
	"strings"
	"testing"
)

// TestBase64 compares with the standard library on text that is base64 or
// nearly so.
func TestBase64(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for range 100_000 {
		text := make([]byte, random.IntN(14))
		for i := range text {
			text[i] = "ABab01+/-_=*\x80"[random.IntN(13)]
		}
		want, wantErr := standardBase64(string(text))
		p := parser{out: []byte("kept")}
		switch ok := p.appendBase64(text); {
		case ok != (wantErr == nil):
			t.Fatalf("%q: accepted %t, want error %v", text, ok, wantErr)
		case ok && !bytes.Equal(p.out, append([]byte{'k', 'e', 'p', 't', byte(len(want))}, want...)):
			t.Fatalf("%q: got %x, want %x", text, p.out, want)
		}
		short := parser{in: []byte(string(text) + `"`), out: make([]byte, 0, 64)}
		if end := short.shortBase64("\x0a", true, 0); end >= 0 &&
			(wantErr != nil || !bytes.Equal(short.out, append([]byte{0x0a, byte(len(want))}, want...))) {
			t.Fatalf("%q: got %x as short, want %x and %v", text, short.out, want, wantErr)
		}
	}
}

// TestShortBase64 compares with the standard library on text of all lengths
// around the limit, in buffers with more room and less, and where the JSON ends
// early.
func TestShortBase64(t *testing.T) {
	data := []byte(strings.Repeat("\x00\x3fshort\xff", maxShort))
	for size := range 2 * maxShort {
		text := `"` + base64.StdEncoding.EncodeToString(data[:size]) + `"`
		for room := range size + 8 {
			p := parser{in: []byte(text), out: append(make([]byte, 0, 4+room), "kept"...)}
			want := append([]byte{'k', 'e', 'p', 't', 0x0a, byte(size)}, data[:size]...)
			if end := p.bytes("\x0a", true, 0); end != len(text) || !bytes.Equal(p.out, want) {
				t.Fatalf("%s with room for %d: ended at %d with %x, want %x", text, room, end, p.out, want)
			}
		}
		for end := range text {
			p := parser{in: []byte(text[:end]), out: make([]byte, 0, 2*maxShort)}
			if got := p.bytes("\x0a", true, 0); got >= 0 {
				t.Fatalf("%s: ended at %d", text[:end], got)
			}
		}
	}
}

// standardBase64 chooses the alphabet and the padding by the text.
func standardBase64(text string) ([]byte, error) {
	encoding := base64.StdEncoding
	if strings.ContainsAny(text, "-_") {
		encoding = base64.URLEncoding
	}
	if len(text)%4 != 0 {
		encoding = encoding.WithPadding(base64.NoPadding)
	}
	return encoding.DecodeString(text)
}
