package runtime

import (
	"crypto/rand"
	"os"
	"strings"

	"github.com/mqrpc/mqrpc/wire"
)

// uniqueName is the name of a client or an instance: the given one and a random
// part, which is 130 bits that nobody can guess. What the wire does not allow in
// a name becomes "-"; no name becomes the host's.
func uniqueName(name string) string {
	if name == "" {
		name, _ = os.Hostname() // without one the name is the random part
	}
	random := strings.ToLower(rand.Text())
	word := strings.Map(wordRune, name)
	word = word[:min(len(word), wire.MaxWordBytes-len(random)-1)]
	return strings.TrimLeft(word+"-"+random, "-")
}

func wordRune(r rune) rune {
	if r < 0x80 && wire.CheckWord(string(r)) == nil {
		return r
	}
	return '-'
}
