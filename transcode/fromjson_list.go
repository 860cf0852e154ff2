package transcode

// list reads an array.
func (p *parser) list(f *field, i int) int {
	if i = p.enter('[', i); i < 0 {
		return irregular
	}
	if p.at(i) == ']' {
		p.deeper++
		return i + 1
	}
	switch {
	case f.message != nil:
		return p.messages(f, i)
	case f.packed:
		return p.packed(f, i)
	default:
		return p.values(f, f.tag, i)
	}
}

// messages reads the elements of an array.
func (p *parser) messages(f *field, i int) int {
	for more := true; more && i >= 0; {
		if i = p.nested(f, i); i < 0 {
			return irregular
		}
		i, more = p.next(']', i)
	}
	return i
}

// values reads the elements of an array, each with that tag.
func (p *parser) values(f *field, tag string, i int) int {
	for more := true; more && i >= 0; {
		if i = p.value(f, tag, true, i); i < 0 {
			return irregular
		}
		i, more = p.next(']', i)
	}
	return i
}

// packed reads the elements of an array, all with one tag.
func (p *parser) packed(f *field, i int) int {
	before := len(p.out)
	p.appendTag(f.tag)
	o := p.open()
	i = p.values(f, "", i)
	if len(p.out) == o.start { // All were discarded.
		p.out = p.out[:before]
		return i
	}
	p.close(o)
	return i
}
