package transcode

import (
	"math/bits"
	"slices"

	"google.golang.org/protobuf/encoding/protowire"
)

// content reads a message in its own form and appends its fields, without its
// length.
func (p *parser) content(t *table, i int) int {
	switch t.form {
	case formPlain, formEmpty:
		if i = p.enter('{', i); i < 0 {
			return irregular
		}
		return p.members(t, i, false)
	case formWrapper:
		f := &t.fields[0]
		return p.value(f, f.tag, f.presence, i)
	case formTimestamp:
		return p.timestamp(t, i)
	case formDuration:
		return p.duration(t, i)
	case formFieldMask:
		return p.fieldMask(&t.fields[0], i)
	case formStruct:
		return p.mapField(&t.fields[0], i)
	case formList:
		return p.list(&t.fields[0], i)
	case formValue:
		return p.anyValue(t, i)
	case formAny:
		return p.anyMessage(t, i)
	default:
		return irregular
	}
}

// nested reads a message in a field, and appends it with its tag and length.
func (p *parser) nested(f *field, i int) int {
	p.appendTag(f.tag)
	if f.endTag != "" {
		i = p.content(f.message.get(), i)
		p.appendTag(f.endTag)
		return i
	}
	start := p.open()
	i = p.content(f.message.get(), i)
	p.close(start)
	return i
}

// seen tells which fields and oneofs of a message were met: the first 64 by the
// bits of low, others by bits in the scratch from word high on.
type seen struct {
	low   uint64
	high  int
	inAny bool // the members are those of an Any with such a message
	types int  // how many "@type" an Any had
	// extended is how many extensions were met: the last ones in the scratch.
	extended int
}

// members reads an object's members, from its first key on, as the fields of a
// message. Inside an Any, "@type" is no field.
func (p *parser) members(t *table, i int, inAny bool) int {
	s := seen{inAny: inAny}
	if t.bits > 64 {
		s.high = p.beginSeen(t)
	}
	if p.at(i) == '}' {
		p.deeper++
		return p.endMembers(t, &s, i+1)
	}
	for more, expected := true, 0; more; {
		var f *field
		if f, i = p.key(t, expected, i); i < 0 {
			return irregular
		}
		switch {
		case f == nil:
			i = p.otherMember(t, &s, i)
		case !p.mark(&s, f.bit):
			return irregular // A duplicate.
		case p.at(i) == 'n' && !f.nullable:
			i = p.absent(f, i)
			expected = f.index + 1
		case f.oneof != 0 && !p.mark(&s, f.oneof):
			return irregular // Another field of the oneof is set.
		default:
			i = p.member(f, i)
			expected = f.index + 1
		}
		if i < 0 {
			return irregular
		}
		if p.at(i) == ',' && p.at(i+1) == '"' {
			i++
		} else if i, more = p.next('}', i); i < 0 {
			return irregular
		}
	}
	return p.endMembers(t, &s, i)
}

// member reads the value of a field.
func (p *parser) member(f *field, i int) int {
	switch {
	case f.isMap():
		return p.mapField(f, i)
	case f.list:
		return p.list(f, i)
	case f.message != nil:
		return p.nested(f, i)
	}
	before := len(p.out)
	i = p.value(f, f.tag, f.presence, i)
	if f.required && len(p.out) == before {
		return irregular // An unknown enum value was discarded.
	}
	return i
}

// absent reads null, which leaves a field unset.
func (p *parser) absent(f *field, i int) int {
	if f.required && p.anys == 0 {
		return irregular
	}
	return p.literal("null", i)
}

// endMembers is i, or irregular when a required field was not seen.
func (p *parser) endMembers(t *table, s *seen, i int) int {
	if t.required == 0 && t.bits <= 64 && s.extended == 0 {
		return i
	}
	return p.endSeen(t, s, i)
}

// endSeen is endMembers where there is more to do than in most messages.
func (p *parser) endSeen(t *table, s *seen, i int) int {
	if t.required > 0 && p.anys == 0 && !p.complete(t, s) {
		return irregular
	}
	if t.bits > 64 {
		p.scratch.seen = p.scratch.seen[:s.high]
	}
	if s.extended > 0 {
		p.scratch.extensions = p.scratch.extensions[:len(p.scratch.extensions)-s.extended]
	}
	return i
}

// beginSeen makes room for the bits that do not fit into low.
func (p *parser) beginSeen(t *table) int {
	scratch := p.scratchSpace()
	high := len(scratch.seen)
	for range (t.bits - 1) / 64 {
		scratch.seen = append(scratch.seen, 0)
	}
	return high
}

// mark sets a bit. It reports false when the bit was set.
func (p *parser) mark(s *seen, bit int) bool {
	if bit < 64 {
		was := s.low
		s.low |= 1 << bit
		return s.low != was
	}
	word := &p.scratch.seen[s.high+bit/64-1]
	was := *word
	*word |= 1 << (bit % 64)
	return *word != was
}

// markExtension remembers an extension. It reports false when it was met.
func (p *parser) markExtension(s *seen, number protowire.Number) bool {
	scratch := p.scratchSpace()
	if slices.Contains(scratch.extensions[len(scratch.extensions)-s.extended:], number) {
		return false
	}
	scratch.extensions = append(scratch.extensions, number)
	s.extended++
	return true
}

// complete reports whether every required field was seen.
func (p *parser) complete(t *table, s *seen) bool {
	count := bits.OnesCount64(s.low & lowest(t.required))
	for word := 1; word*64 < t.required; word++ {
		count += bits.OnesCount64(p.scratch.seen[s.high+word-1] & lowest(t.required-word*64))
	}
	return count == t.required
}

// lowest has its lowest n bits set.
func lowest(n int) uint64 {
	if n >= 64 {
		return ^uint64(0)
	}
	return 1<<n - 1
}
