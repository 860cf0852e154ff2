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
