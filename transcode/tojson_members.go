package transcode

// members writes the fields of a message, each with a comma before it.
func (w *jsonWriter) members(out []byte, t *jsonTable, in []byte, depth int) (result []byte, ok bool) {
	start, first := len(out), len(w.pieces)
	last, ordered := -1, true
	var seen uint64
	for i := 0; i < len(in); {
		tag, next := nextTag(in, i)
		if next < 0 {
			return out, false
		}
		i = next
		f := t.field(tag >> 3)
		if f == nil || !f.accepts(tag) {
			if i = w.unknown(t, f, tag, in, i); i < 0 {
				return out, false
			}
			continue
		}
		if seen&f.bit != 0 {
			return out, false // the field twice, or another of its oneof
		}
		seen |= f.bit
		switch {
		case f.index > last:
			if w.unpopulated {
				out = w.fill(out, t.fields[last+1:f.index])
			}
			last = f.index
		case f.index == last || len(w.pieces)-first > 2*len(t.fields):
			return out, false // the field twice, or one of them
		default:
			ordered = false
		}
		w.pieces = append(w.pieces, piece{order: fieldOrder(f), start: len(out)})
		if out, i = w.member(out, f, tag, in, i, depth); i < 0 {
			return out, false
		}
	}
	if w.unpopulated {
		out = w.fill(out, t.fields[last+1:])
	}
	ok = t.required&w.demanded&^seen == 0
	if ok && !ordered {
		out, ok = w.arrange(out, start, w.pieces[first:])
	}
	w.pieces = w.pieces[:first]
	return out, ok
}

// accepts reports whether the value after a tag can be the field's.
func (f *jsonField) accepts(tag uint64) bool {
	return tag&7 == f.wireType || f.packable && tag&7 == bytesType
}

// member writes one field, with all of its elements if it is a list or a map,
// or nothing if it has the value that is left out.
func (w *jsonWriter) member(out []byte, f *jsonField, tag uint64, in []byte, i, depth int) (result []byte, next int) {
	before := len(out)
	out = append(out, f.key...)
	switch f.shape {
	case singular:
		out, i = w.value(out, f, in, i, depth+1)
		// Different values have different texts.
		if len(f.omitted) == len(out)-before && f.omitted == string(out[before:]) {
			out = out[:before]
		}
		return out, i
	case repeated:
		if depth+1 > w.maxDepth {
			return out, refused
		}
		start := len(out)
		if out, i = w.elements(out, f, tag, in, i, depth+2); len(out) == start {
			return append(out[:before], f.unpopulated...), i
		}
		out[start] = '['
		return append(out, ']'), i
	default:
		if depth+1 > w.maxDepth {
			return out, refused
		}
		start := len(out)
		out, i = w.entries(out, f, tag, in, i, depth+2)
		return enclose(out, start, '{', '}'), i
	}
}

// fill writes what EmitUnpopulated writes for fields that are not set.
func (w *jsonWriter) fill(out []byte, fields []jsonField) []byte {
	for i := range fields {
		if f := &fields[i]; f.unpopulated != "" {
			w.pieces = append(w.pieces, piece{order: fieldOrder(f) + 1, start: len(out)})
			out = append(out, f.unpopulated...)
		}
	}
	return out
}

// unknown is the position after a field that the message does not have, or has
// with another wire type; f is nil or that field.
func (w *jsonWriter) unknown(t *jsonTable, f *jsonField, tag uint64, in []byte, i int) (next int) {
	switch {
	case f != nil && (f.shape != singular || f.message != nil):
		return refused // It may be nested too deeply even so.
	case f == nil && t.extensions != nil && w.isExtension(t, tag>>3):
		return refused
	default:
		return skip(tag, in, i)
	}
}
