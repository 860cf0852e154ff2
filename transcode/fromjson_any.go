package transcode

// typeKey is the name of the member that tells the type of an Any.
const typeKey = `"@type"`

// anyMessage reads a google.protobuf.Any: an object with the members of the
// message inside, or its "value", and "@type" anywhere among them.
func (p *parser) anyMessage(t *table, i int) int {
	if i = p.enter('{', i); i < 0 {
		return irregular
	}
	if p.at(i) == '}' {
		p.deeper++
		return i + 1
	}
	url := p.typeURL(i)
	if url == "" {
		return irregular
	}
	found, err := p.message.resolver.FindMessageByURL(url)
	if err != nil {
		return irregular
	}
	inner := p.message.root.tables.found(found.Descriptor())
	if inner == nil || inner.names["@type"] != nil {
		return irregular
	}
	p.appendTag(t.fields[0].tag)
	p.appendLength(len(url))
	p.out = append(p.out, url...)

	before := len(p.out)
	p.appendTag(t.fields[1].tag)
	o := p.open()
	p.anys++
	if inner.form == formPlain {
		i = p.members(inner, i, true)
	} else {
		i = p.wrapped(inner, i)
	}
	p.anys--
	if len(p.out) == o.start && !t.fields[1].presence {
		p.out = p.out[:before]
	} else {
		p.close(o)
	}
	return i
}

// typeURL finds "@type" among the members of an object and returns its value,
// which is "" when the object is irregular.
func (p *parser) typeURL(i int) string {
	deeper := p.deeper
	defer func() { p.deeper = deeper }()
	for more := true; more; {
		if p.at(i) != '"' {
			return ""
		}
		if after := p.literal(typeKey, i); after > 0 {
			return p.url(p.colon(after))
		}
		if i = p.plainName(i); i < 0 {
			return ""
		}
		if i = p.colon(i); i < 0 {
			return ""
		}
		if i = p.skip(i); i < 0 {
			return ""
		}
		i, more = p.next('}', i)
	}
	return ""
}

// plainName reads a name without escapes, which might hide what it is.
func (p *parser) plainName(i int) int {
	if p.at(i) != '"' {
		return irregular
	}
	end := p.plainEnd(i + 1)
	if end < 0 || p.in[end] == '\\' {
		return irregular
	}
	return end + 1
}

// url is a string, from its opening quote on.
func (p *parser) url(i int) string {
	if p.at(i) != '"' {
		return ""
	}
	end := p.plainEnd(i + 1)
	if end < 0 {
		return ""
	}
	if p.in[end] == '"' {
		return string(p.in[i+1 : end])
	}
	before := len(p.out)
	end = p.unescaped(i + 1)
	url := string(p.out[before:])
	p.out = p.out[:before]
	if end < 0 {
		return ""
	}
	return url
}

// wrapped reads the members of an Any whose message has a form of its own and
// stands in "value". Only that of an Empty may be missing.
func (p *parser) wrapped(inner *table, i int) int {
	s, values := seen{inAny: true}, 0
	for more := true; more; {
		if after := p.literal(`"value"`, i); after > 0 {
			if i = p.colon(after); i < 0 {
				return irregular
			}
			values++
			i = p.content(inner, i)
		} else {
			i = p.otherWrapped(&s, i)
		}
		if i < 0 || values > 1 {
			return irregular
		}
		if i, more = p.next('}', i); i < 0 {
			return irregular
		}
	}
	if values == 0 && inner.form != formEmpty {
		return irregular
	}
	return i
}

// otherWrapped reads a member beside "value".
func (p *parser) otherWrapped(s *seen, i int) int {
	if after := p.literal(typeKey, i); after > 0 {
		return p.skipType(s, after)
	}
	if i = p.colon(p.plainName(i)); i < 0 || !p.message.options.DiscardUnknown {
		return irregular
	}
	return p.skip(i)
}
