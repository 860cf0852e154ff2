package memory

import "strings"

// pattern is a binding key of a topic exchange: words between dots, in which
// "*" stands for exactly one word and "#" for any number of them.
type pattern []string

// words splits a key. As in RabbitMQ the empty key has no words, while there
// are empty words beside leading, trailing and doubled dots.
func words(key string) []string {
	if key == "" {
		return nil
	}
	return strings.Split(key, ".")
}

// isPattern reports whether a binding key matches more than itself.
func isPattern(key string) bool {
	for _, word := range words(key) {
		if word == "*" || word == "#" {
			return true
		}
	}
	return false
}

// matches reports whether the pattern matches a key's words. A failed match
// goes back to the last "#" only, so that it takes at most
// len(pattern)*len(key) steps.
func (p pattern) matches(key []string) bool {
	inPattern, inKey := 0, 0
	hash, afterHash := -1, 0 // the last "#", and what it leaves of the key
	for inKey < len(key) {
		switch {
		case inPattern < len(p) && p[inPattern] == "#":
			hash, afterHash = inPattern, inKey
			inPattern++
		case inPattern < len(p) && (p[inPattern] == "*" || p[inPattern] == key[inKey]):
			inPattern++
			inKey++
		case hash >= 0:
			afterHash++
			inPattern, inKey = hash+1, afterHash
		default:
			return false
		}
	}
	for inPattern < len(p) && p[inPattern] == "#" {
		inPattern++
	}
	return inPattern == len(p)
}
