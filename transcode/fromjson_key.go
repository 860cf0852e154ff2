package transcode

import (
	"errors"

	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
)

// key reads a member's name, the colon and the white space around it. It
// returns the field, which is nil when there is none with that name.
//
// Most JSON has its fields in the order of their declaration, so the first
// guess is the one expected.
func (p *parser) key(t *table, expected, i int) (*field, int) {
	in := p.in
	for n := range guesses {
		if expected+n >= len(t.fields) {
			break
		}
		f := &t.fields[expected+n]
		if end := i + len(f.rawKey); end > i && end < len(in) && string(in[i:end]) == f.rawKey {
			if in[end] <= ' ' {
				end = p.space(end)
			}
			return f, end
		}
	}
	if p.at(i) != '"' {
		return nil, irregular
	}
	return p.lookUp(t, i+1)
}

// guesses is how many fields are tried before the name is looked up: some are
// often not set.
const guesses = 3

// lookUp reads a name from its first character on and finds its field.
func (p *parser) lookUp(t *table, i int) (*field, int) {
	end := p.plainEnd(i)
	if end < 0 {
		return nil, irregular
	}
	name := p.in[i:end]
	before := len(p.out)
	if p.in[end] == '\\' {
		if end = p.unescaped(i); end < 0 {
			return nil, irregular
		}
		name = p.out[before:]
	}
	f := t.names[string(name)]
	if isBracketed(name) {
		f = nil
	}
	p.out = p.out[:before]
	if f == nil {
		return nil, i - 1
	}
	return f, p.colon(end + 1)
}

// colon reads the colon after a name.
func (p *parser) colon(i int) int {
	i = p.space(i)
	if p.at(i) != ':' {
		return irregular
	}
	return p.space(i + 1)
}

// otherMember reads a member, from its name on, that is no field of the type:
// "@type" of an Any, which may be there once, an extension, or what is
// discarded.
func (p *parser) otherMember(t *table, s *seen, i int) int {
	if s.inAny {
		if after := p.literal(typeKey, i); after > 0 {
			return p.skipType(s, after)
		}
	}
	before := len(p.out)
	after := p.name(i)
	if after < 0 || s.inAny && string(p.out[before:]) == "@type" {
		return irregular
	}
	if name := p.out[before:]; isBracketed(name) {
		found, err := p.message.resolver.FindExtensionByName(protoreflect.FullName(name[1 : len(name)-1]))
		p.out = p.out[:before]
		switch {
		case err == nil:
			return p.extension(t, s, found.TypeDescriptor().Descriptor(), p.colon(after))
		case !errors.Is(err, protoregistry.NotFound):
			return irregular
		}
	}
	p.out = p.out[:before]
	if after = p.colon(after); after < 0 || !p.message.options.DiscardUnknown {
		return irregular
	}
	return p.skip(after)
}

func isBracketed(name []byte) bool {
	return len(name) > 1 && name[0] == '[' && name[len(name)-1] == ']'
}

// name reads a member's name and appends it, without its escapes.
func (p *parser) name(i int) int {
	if p.at(i) != '"' {
		return irregular
	}
	if i = p.unescaped(i + 1); i < 0 {
		return irregular
	}
	return i + 1
}

// skipType reads the value of "@type", which is known already.
func (p *parser) skipType(s *seen, i int) int {
	s.types++
	if i = p.colon(i); s.types > 1 || p.at(i) != '"' {
		return irregular
	}
	return p.skipString(i)
}

// extension reads the value of an extension.
func (p *parser) extension(t *table, s *seen, descriptor protoreflect.ExtensionDescriptor, i int) int {
	f := p.message.root.tables.extension(descriptor)
	if i < 0 || f == nil || f.required ||
		!t.descriptor.ExtensionRanges().Has(f.number) ||
		descriptor.ContainingMessage().FullName() != t.descriptor.FullName() ||
		!p.markExtension(s, f.number) {
		return irregular
	}
	if p.at(i) == 'n' && !f.nullable {
		return p.literal("null", i)
	}
	return p.member(f, i)
}

// skip reads a value without a meaning.
func (p *parser) skip(i int) int {
	switch p.at(i) {
	case '"':
		return p.skipString(i)
	case '{':
		return p.skipObject(i)
	case '[':
		return p.skipArray(i)
	case 't':
		return p.literal("true", i)
	case 'f':
		return p.literal("false", i)
	case 'n':
		return p.literal("null", i)
	default:
		return p.numberEnd(i)
	}
}

func (p *parser) skipObject(i int) int {
	if i = p.enter('{', i); p.at(i) == '}' {
		p.deeper++
		return i + 1
	}
	for more := true; more && i >= 0; {
		if p.at(i) != '"' {
			return irregular
		}
		if i = p.skipString(i); i < 0 {
			return irregular
		}
		if i = p.colon(i); i < 0 {
			return irregular
		}
		if i = p.skip(i); i < 0 {
			return irregular
		}
		i, more = p.next('}', i)
	}
	return i
}

func (p *parser) skipArray(i int) int {
	if i = p.enter('[', i); p.at(i) == ']' {
		p.deeper++
		return i + 1
	}
	for more := true; more && i >= 0; {
		if i = p.skip(i); i < 0 {
			return irregular
		}
		i, more = p.next(']', i)
	}
	return i
}
