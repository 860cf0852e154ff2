package transcode

// key reads a member's name, the colon and the white space around it. It
// returns the field, which is nil when there is none with that name.
//
// Most JSON has its fields in the order of their declaration, so the first
// guess is the one expected.
func (p *parser) key(t *table, expected, i int) (*field, int) {
	if p.at(i) != '"' {
		return nil, irregular
	}
	i++
	if expected < len(t.fields) {
		f := &t.fields[expected]
		if n := len(f.rawKey); n != 0 && len(p.in)-i >= n && string(p.in[i:i+n]) == f.rawKey {
			return f, p.colon(i + n)
		}
	}
	return p.lookUp(t, i)
}

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
	if len(name) > 0 && name[0] == '[' && name[len(name)-1] == ']' {
		return nil, irregular // An extension.
	}
	f := t.names[string(name)]
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

// unknownMember reads a member, from its name on, that is no field: "@type" of
// an Any, which may be there once, and what is discarded.
func (p *parser) unknownMember(i int, inAny bool, types *int) int {
	if inAny {
		if after := p.literal(typeKey, i); after > 0 {
			*types++
			if i = p.colon(after); *types > 1 || p.at(i) != '"' {
				return irregular
			}
			return p.skipString(i)
		}
	}
	switch {
	case !p.discard, p.at(i) != '"':
		return irregular
	case inAny:
		i = p.plainName(i)
	default:
		i = p.skipString(i)
	}
	if i = p.colon(i); i < 0 {
		return irregular
	}
	return p.skip(i)
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
		p.depth--
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
		p.depth--
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
