package transcode

// members writes the fields of a message, each with a comma before it.
func (w *jsonWriter) members(out []byte, t *jsonTable, in []byte, depth int) (result []byte, ok bool) {
	start, first := len(out), len(w.starts)
	last, straight := -1, !w.unpopulated // straight: nothing is to be moved or filled in
	var seen uint64
	for i := 0; i < len(in); {
		tag := uint64(in[i])
		f := t.taggedField(tag)
		if i++; f == nil {
			f, tag, i = w.rareField(t, in, i-1)
			switch {
			case i < 0:
				return out, false
			case f == nil:
				continue
			}
		}
		if seen&f.bit != 0 {
			return out, false // the field twice, or another of its oneof
		}
		seen |= f.bit
		if f.index <= last || w.unpopulated {
			if out, ok = w.place(out, t, f.index, last, len(w.starts)-first); !ok {
				return out, false
			}
			straight = false
		}
		last = max(last, f.index)
		before := len(out)
		if f.shape != singular {
			out, i = w.many(out, f, tag, in, i, depth+1)
		} else {
			out = f.appendKey(out)
			value := len(out)
			out, i = w.value(out, f, in, i, depth+1)
			out = f.omitZero(out, before, value)
		}
		if i < 0 {
			return out, false
		}
		if i < len(in) || !straight { // The last member is never moved otherwise.
			w.scratchSpace()
			w.starts = append(w.starts, memberStart{order: 2 * f.index, at: before})
		}
	}
	if ok = straight; !straight {
		out, ok = w.settle(out, start, first, t.fields[last+1:])
	}
	w.starts = w.starts[:first]
	return out, ok && t.required&w.demanded&^seen == 0
}

// omitZero takes back a field from before on, if its value is the one that is
// left out. Different values have different texts.
func (f *jsonField) omitZero(out []byte, before, value int) []byte {
	if f.omitsZero && string(out[value:]) == f.zero {
		return out[:before]
	}
	return out
}

// rareField reads a tag that is longer than a byte, or of no field. It skips
// what the message does not have; there is no field then.
func (w *jsonWriter) rareField(t *jsonTable, in []byte, i int) (f *jsonField, tag uint64, next int) {
	if tag, i = varint(in, i); i < 0 || tag > maxTag {
		return nil, tag, refused
	}
	if f = t.field(tag >> 3); f.accepts(tag) { // There is none with the number 0.
		return f, tag, i
	}
	return nil, tag, w.unknown(t, f, tag, in, i)
}

// place prepares for a field that is not simply the next in the order of their
// declaration. It refuses one that is there already, as far as it knows: arrange
// sees the rest, but not more of them than there can be.
func (w *jsonWriter) place(out []byte, t *jsonTable, index, last, members int) (result []byte, ok bool) {
	if index > last {
		return w.fill(out, t.fields[last+1:index]), true
	}
	return out, index < last && members <= 2*len(t.fields)
}

// accepts reports whether there is a field, and the value after the tag can be
// its.
func (f *jsonField) accepts(tag uint64) bool {
	return f != nil && (tag&7 == f.wireType || f.packable && tag&7 == bytesType)
}

// many writes a list or a map with all of its elements, or nothing if it is an
// empty list.
func (w *jsonWriter) many(out []byte, f *jsonField, tag uint64, in []byte, i, depth int) (result []byte, next int) {
	if depth > w.maxDepth {
		return out, refused
	}
	before := len(out)
	out = f.appendKey(out)
	start := len(out)
	if f.shape == keyed {
		out, i = w.entries(out, f, tag, in, i, depth+1)
		return enclose(out, start, '{', '}'), i
	}
	if out, i = w.elements(out, f, tag, in, i, depth+1); len(out) == start {
		return append(out[:before], f.unpopulated...), i
	}
	out[start] = '['
	return append(out, ']'), i
}

// appendKey appends the comma, the name and the colon. Most are short: then they
// are copied with bytes beyond them, because how many is known.
func (f *jsonField) appendKey(out []byte) []byte {
	n := len(out)
	if cap(out)-n < len(f.shortKey) || len(f.key) > len(f.shortKey) {
		return append(out, f.key...)
	}
	copy(out[n:n+len(f.shortKey)], f.shortKey[:])
	return out[:n+len(f.key)]
}

// fill writes what EmitUnpopulated writes for fields that are not set.
func (w *jsonWriter) fill(out []byte, fields []jsonField) []byte {
	for i := range fields {
		if f := &fields[i]; f.unpopulated != "" {
			w.scratchSpace()
			w.starts = append(w.starts, memberStart{order: 2*f.index + 1, at: len(out)})
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
	case tag < minTag:
		return refused
	default:
		return skip(tag, in, i)
	}
}
