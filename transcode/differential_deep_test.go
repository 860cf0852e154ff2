package transcode_test

import (
	"math/rand/v2"
	"slices"
	"strings"

	"github.com/mqrpc/mqrpc/transcode"
)

// deepMaker makes JSON of contracts.Tree that is nested about as deeply as is
// allowed, by all that nests: messages, lists, maps, Any, Struct and what is
// unknown.
type deepMaker struct {
	*rand.Rand

	unknown bool // write what only DiscardUnknown accepts, too
}

// made is JSON of some more or fewer levels than the limit.
func (m *deepMaker) made(limit int) []byte {
	if limit == 0 {
		limit = transcode.DefaultMaxDepth
	}
	return []byte("{" + m.members(limit-4+m.IntN(8)) + "}")
}

// members is one member of an object at a level of its own, that many in all.
func (m *deepMaker) members(levels int) string {
	if levels <= 1 {
		leaves := []string{``, `"label":"x"`, `"children":[]`, `"named":{}`, `"left":{}`, `"lists":{"int32s":[1]}`, `"wellKnown":{"list":[]}`,
			`"wellKnown":{"timestamp":"1970-01-01T00:00:00Z"}`, `"left":null`, `"wellKnown":{"value":null}`, `"wellKnown":{"any":{}}`, `"maps":{"byInt32":{"1":1}}`}
		return leaves[m.IntN(len(leaves))]
	}
	choices := 7
	if m.unknown {
		choices = 8
	}
	switch m.IntN(choices) {
	case 0:
		return `"left":{` + m.members(levels-1) + `}`
	case 1:
		return `"that":"1","this":null,"right":{` + m.members(levels-1) + `},"label":"after"`
	case 2:
		return `"children":[{},{` + m.members(levels-2) + `}]`
	case 3:
		return `"named":{"a":{},"key":{` + m.members(levels-2) + `}}`
	case 4:
		return `"wellKnown":{"any":{"@type":"type.googleapis.com/transcode.contracts.Tree",` + m.orEmpty(m.members(levels-2)) + `}}`
	case 5:
		return `"wellKnown":{"` + []string{"value", "struct", "list"}[m.IntN(3)] + `":` + m.value(levels-1) + `}`
	case 6:
		return `"wellKnown":{"any":{"@type":"type.googleapis.com/google.protobuf.Value","value":` + m.value(levels-2) + `}}`
	default:
		return `"unknown":` + m.value(levels-1)
	}
}

// orEmpty is members after others: a comma may not be the last.
func (m *deepMaker) orEmpty(members string) string {
	if members == "" {
		return `"label":""`
	}
	return members
}

// value is any JSON with that many levels.
func (m *deepMaker) value(levels int) string {
	var opening, closing strings.Builder
	closers := make([]string, 0, levels)
	for range levels {
		if m.IntN(2) == 0 {
			opening.WriteString(`{"a":`)
			closers = append(closers, `}`)
		} else {
			opening.WriteString(`[1,`)
			closers = append(closers, `]`)
		}
	}
	for _, closer := range slices.Backward(closers) {
		closing.WriteString(closer)
	}
	return opening.String() + "0" + closing.String()
}
