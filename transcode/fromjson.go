package transcode

import (
	"slices"
)

// irregular is what the parser's methods return instead of an index when they
// meet what is wrong, or legal but rare. The whole text is then left to
// protojson, which says what is wrong with it or converts it.
const irregular = -1

const (
	// maxFastDepth and maxFastText bound what the parser takes on: protojson has
	// limits of its own that begin to matter above.
	maxFastDepth = 1000
	maxFastText  = 1 << 30
)

// parser turns one JSON text straight into the wire format. Its methods take
// the index at which they begin and return the one after what they read, or
// irregular.
type parser struct {
	in  []byte
	out []byte

	message *Message
	// deeper is how many more objects and arrays may be nested.
	deeper int
	// anys is how many Any messages are around: required fields do not matter
	// inside.
	anys int

	// widening is by how many bytes the fixups will make out longer.
	widening int
	scratch  *scratch // nil until something needs it
}

// parse appends the wire format of a JSON text to dst. It reports false when
// the text is left to protojson.
func (m *Message) parse(dst, text []byte) ([]byte, bool) {
	if len(text) > maxFastText {
		return dst, false
	}
	// One by one: a composite literal is made elsewhere and copied, which takes a
	// fifth of the time of a small text.
	var p parser
	p.in, p.out, p.message = text, dst, m
	p.deeper = min(m.maxDepth, maxFastDepth)
	if dst == nil {
		p.out = slices.Grow(p.out, len(text))
	}
	end := p.content(m.root.get(), p.space(0))
	done := end >= 0 && p.space(end) == len(text)
	if p.scratch != nil {
		if done {
			p.widen()
		}
		p.release()
	}
	if !done {
		return dst, false
	}
	return p.out, true
}

// at is the byte with that index; 0, which no JSON begins with, after the end.
func (p *parser) at(i int) byte {
	if uint(i) < uint(len(p.in)) {
		return p.in[i]
	}
	return 0
}

// space skips white space.
func (p *parser) space(i int) int {
	for uint(i) < uint(len(p.in)) && p.in[i] <= ' ' && isSpace(p.in[i]) {
		i++
	}
	return i
}

func isSpace(c byte) bool { return c == ' ' || c == '\n' || c == '\r' || c == '\t' }

// enter reads the bracket that opens an object or array, and the white space
// after it.
func (p *parser) enter(bracket byte, i int) int {
	if p.at(i) != bracket || p.deeper == 0 {
		return irregular
	}
	p.deeper--
	return p.space(i + 1)
}

// next reads what stands between two members or elements, or the bracket that
// ends them: more tells which.
func (p *parser) next(bracket byte, i int) (after int, more bool) {
	i = p.space(i)
	switch p.at(i) {
	case ',':
		return p.space(i + 1), true
	case bracket:
		p.deeper++
		return i + 1, false
	default:
		return irregular, false
	}
}

// literal reads null, true or false. What follows is the caller's to check.
func (p *parser) literal(word string, i int) int {
	if len(p.in)-i < len(word) || string(p.in[i:i+len(word)]) != word {
		return irregular
	}
	return i + len(word)
}
