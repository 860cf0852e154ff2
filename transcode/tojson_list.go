package transcode

import "google.golang.org/protobuf/reflect/protoreflect"

// elements writes the elements of a list that follow one another, each with a
// comma before it: the one that begins at i, after its tag, and all after it
// until another field's. It writes nothing if they are packed and none.
func (w *jsonWriter) elements(out []byte, f *jsonField, tag uint64, in []byte, i, depth int) (result []byte, next int) {
	if f.kind == protoreflect.StringKind {
		return texts(out, tag, in, i)
	}
	for {
		if tag&7 == bytesType && f.packable {
			out, i = w.packed(out, f, in, i)
		} else {
			out, i = w.value(append(out, ','), f, in, i, depth)
		}
		if w.exceeds(out) {
			return out, refused
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
	bare := f.kind == protoreflect.Int32Kind || f.kind == protoreflect.Uint32Kind
	for at := 0; at < len(content); {
		switch c := content[at]; {
		case bare && c < 10:
			out = append(out, ',', '0'+c)
			at++
			continue
		case bare && c < 100:
			out = append(out, ',', '0'+c/10, '0'+c%10)
			at++
			continue
		}
		out = append(out, ',')
		if plain {
			var number uint64
			if number, at = varint(content, at); at < 0 {
				return out, refused
			}
			out = appendVarint(out, f.kind, number)
		} else if out, at = w.value(out, f, content, at, 0); at < 0 || w.exceeds(out) {
			return out, refused
		}
	}
	return out, next
}

// texts is elements for strings.
func texts(out []byte, tag uint64, in []byte, i int) (result []byte, next int) {
	for {
		text, after := delimited(in, i)
		if after < 0 {
			return out, refused
		}
		var ok bool
		if out, ok = appendQuoted(append(out, ','), text); !ok {
			return out, refused
		}
		if after == len(in) {
			return out, after
		}
		following, next := nextTag(in, after)
		if next < 0 || following != tag {
			return out, after
		}
		i = next
	}
}
