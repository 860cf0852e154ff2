package memory

import (
	"strings"
	"testing"
)

func TestPatternMatches(t *testing.T) {
	cases := []struct {
		pattern, key string
		want         bool
	}{
		{"a", "a", true},
		{"a", "b", false},
		{"a", "a.b", false},
		{"a.b", "a", false},
		{"", "", true},
		{"", "a", false},
		{"*", "a", true},
		{"*", "", false},
		{"*", "a.b", false},
		{"*.*", "a.b", true},
		{"*.*", "a", false},
		{"a.*.c", "a.b.c", true},
		{"a.*.c", "a.c", false},
		{"#", "", true},
		{"#", "a", true},
		{"#", "a.b.c", true},
		{"a.#", "a", true},
		{"a.#", "a.b.c", true},
		{"a.#", "b.a", false},
		{"#.c", "c", true},
		{"#.c", "a.b.c", true},
		{"#.c", "c.a", false},
		{"a.#.c", "a.c", true},
		{"a.#.c", "a.b.b.c", true},
		{"a.#.c", "a.b.c.d", false},
		{"#.b.#", "a.b.c", true},
		{"#.b.#", "a.c", false},
		{"#.#", "", true},
		{"#.*", "", false},
		{"#.*", "a.b", true},
		{"*.#", "a", true},
		{"*.#.*", "a", false},
		{"#.a.b", "a.a.b", true},
		{"#.a.*.a", "a.b.a.c.a", true},
		{"a.*", "a.", true}, // an empty word is a word
		{"*", "a*", true},   // a star inside a word is no wildcard
		{"a*", "ab", false},
		{"a#", "a", false},
		{"server_wxapp_1.*", "server_wxapp_1.0", true},
		{"server_wxapp_1.*", "server_wxapp_1.0.1", false},
		{"server_wxapp_1.#", "server_wxapp_1.0.1", true},
	}
	for _, c := range cases {
		if got := pattern(words(c.pattern)).matches(words(c.key)); got != c.want {
			t.Errorf("pattern %q, key %q: %v, want %v", c.pattern, c.key, got, c.want)
		}
	}
}

// FuzzPatternMatches compares with the definition, written as a recursion.
func FuzzPatternMatches(f *testing.F) {
	f.Add("a.#.b.*", "a.c.b.d")
	f.Add("#.#.a", "a.a")
	f.Fuzz(func(t *testing.T, p, key string) {
		if strings.Count(p, "#") > 4 || len(key) > 40 {
			t.Skip("the recursion would take too long")
		}
		if got, want := pattern(words(p)).matches(words(key)), matchesByDefinition(words(p), words(key)); got != want {
			t.Errorf("pattern %q, key %q: %v, want %v", p, key, got, want)
		}
	})
}

func matchesByDefinition(p, key []string) bool {
	switch {
	case len(p) == 0:
		return len(key) == 0
	case p[0] == "#":
		return matchesByDefinition(p[1:], key) || len(key) > 0 && matchesByDefinition(p, key[1:])
	default:
		return len(key) > 0 && (p[0] == "*" || p[0] == key[0]) && matchesByDefinition(p[1:], key[1:])
	}
}
