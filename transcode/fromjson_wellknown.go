package transcode

import "google.golang.org/protobuf/reflect/protoreflect"

// anyValue reads any JSON value as a google.protobuf.Value.
func (p *parser) anyValue(t *table, i int) int {
	switch f := t.fields; p.at(i) {
	case 'n':
		p.appendVarint(f[0].tag, 0)
		return p.literal("null", i)
	case '"':
		return p.text(f[2].tag, true, i)
	case 't', 'f':
		return p.boolean(f[3].tag, true, i)
	case '{':
		return p.nested(&f[4], i)
	case '[':
		return p.nested(&f[5], i)
	default:
		return p.float(protoreflect.DoubleKind, f[1].tag, true, i)
	}
}

// fieldMask reads a string of paths with commas between them. Their names are
// in camel case, and in snake case in the message.
func (p *parser) fieldMask(paths *field, i int) int {
	if p.at(i) != '"' {
		return irregular
	}
	if i++; p.at(i) == '"' {
		return i + 1
	}
	for {
		p.appendTag(paths.tag)
		o := p.open()
		if i = p.path(i); i < 0 {
			return irregular
		}
		p.close(o)
		switch p.at(i) {
		case '"':
			return i + 1
		case ',':
			i++
		default:
			return irregular
		}
	}
}

// path appends names with dots between them.
func (p *parser) path(i int) int {
	first := true // of a name
	for ; ; i++ {
		switch c := p.at(i); {
		case 'a' <= c && c <= 'z', !first && '0' <= c && c <= '9':
			p.out = append(p.out, c)
			first = false
		case 'A' <= c && c <= 'Z':
			p.out = append(p.out, '_', c|0x20)
			first = false
		case first:
			return irregular
		case c == '.':
			p.out = append(p.out, c)
			first = true
		default:
			return i
		}
	}
}
