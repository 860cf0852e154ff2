package transcode

// elements writes the elements of a list that follow one another, each with a
// comma before it: the one that begins at i, after its tag, and all after it
// until another field's. It writes nothing if they are packed and none.
func (w *jsonWriter) elements(out []byte, f *jsonField, tag uint64, in []byte, i, depth int) (result []byte, next int) {
	for {
		if tag&7 == bytesType && f.packable {
			out, i = w.packed(out, f, in, i)
		} else {
			out, i = w.value(append(out, ','), f, in, i, depth)
		}
		if i < 0 || i == len(in) {
			return out, i
		}
		// The tag of another field, or a bad one, is for the caller.
		following, after := nextTag(in, i)
		if after < 0 || following>>3 != tag>>3 || !f.accepts(following) {
			return out, i
		}
		tag, i = following, after
	}
}

// packed writes scalars that stand together.
func (w *jsonWriter) packed(out []byte, f *jsonField, in []byte, i int) (result []byte, next int) {
	content, next := delimited(in, i)
	if next < 0 {
		return out, refused
	}
	plain := f.wireType == varintType && f.enum == nil
	for at := 0; at < len(content); {
		out = append(out, ',')
		if plain {
			var number uint64
			if number, at = varint(content, at); at < 0 {
				return out, refused
			}
			out = appendVarint(out, f.kind, number)
		} else if out, at = w.value(out, f, content, at, 0); at < 0 {
			return out, refused
		}
	}
	return out, next
}
