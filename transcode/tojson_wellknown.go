package transcode

import (
	"encoding/binary"
	"math"
)

// time writes a Timestamp or a Duration. They have the same fields.
func (w *jsonWriter) time(out []byte, form form, in []byte) (result []byte, ok bool) {
	var seconds, nanos uint64
	for i := 0; i < len(in); {
		tag, next := nextTag(in, i)
		if next < 0 {
			return out, false
		}
		switch tag {
		case 1 << 3:
			seconds, i = varint(in, next)
		case 2 << 3:
			nanos, i = varint(in, next)
		default:
			i = skip(tag, in, next)
		}
		if i < 0 {
			return out, false
		}
	}
	if form == formTimestamp {
		return appendTimestamp(out, int64(seconds), int32(nanos))
	}
	return appendDuration(out, int64(seconds), int32(nanos))
}

// fieldMask writes the paths as one string. It counts as a list for the depth.
func (w *jsonWriter) fieldMask(out, in []byte, depth int) (result []byte, ok bool) {
	out = append(out, '"')
	start := len(out)
	for i := 0; i < len(in); {
		tag, next := nextTag(in, i)
		switch {
		case next < 0, tag>>3 == 1 && depth+1 > w.maxDepth:
			return out, false
		case tag != 1<<3|bytesType:
			i = skip(tag, in, next)
		default:
			var path []byte
			path, i = delimited(in, next)
			if len(out) > start {
				out = append(out, ',')
			}
			if out, ok = appendPath(out, path); !ok {
				return out, false
			}
		}
		if i < 0 {
			return out, false
		}
	}
	return append(out, '"'), true
}

// wrapper writes a message that is a scalar in JSON.
func (w *jsonWriter) wrapper(out []byte, f *jsonField, in []byte) (result []byte, ok bool) {
	at := -1
	for i := 0; i < len(in); {
		tag, next := nextTag(in, i)
		if next < 0 {
			return out, false
		}
		if tag == 1<<3|f.wireType {
			if at >= 0 {
				return out, false
			}
			at = next
		}
		if i = skip(tag, in, next); i < 0 {
			return out, false
		}
	}
	if at < 0 {
		return append(out, f.zero...), true
	}
	out, at = w.value(out, f, in, at, 0)
	return out, at >= 0
}

// collection writes a Struct or a ListValue, whose only field is a map or a
// list.
func (w *jsonWriter) collection(out []byte, f *jsonField, in []byte, depth int) (result []byte, ok bool) {
	if depth > w.maxDepth {
		return out, false
	}
	start := len(out)
	for i := 0; i < len(in); {
		tag, next := nextTag(in, i)
		switch {
		case next < 0:
			return out, false
		case tag>>3 != 1:
			i = skip(tag, in, next)
		case tag&7 != bytesType || len(out) > start:
			return out, false // of another type, or with unknown fields between
		case f.shape == keyed:
			out, i = w.entries(out, f, tag, in, next, depth+1)
		default:
			out, i = w.elements(out, f, tag, in, next, depth+1)
		}
		if i < 0 {
			return out, false
		}
	}
	if f.shape == keyed {
		return enclose(out, start, '{', '}'), true
	}
	return enclose(out, start, '[', ']'), true
}

// dynamic writes a Value as what it holds. An empty one has no JSON, nor has a
// number that is not finite.
func (w *jsonWriter) dynamic(out []byte, t *jsonTable, in []byte, depth int) (result []byte, ok bool) {
	written := false
	for i := 0; i < len(in); {
		tag, next := nextTag(in, i)
		if next < 0 {
			return out, false
		}
		f := t.field(tag >> 3)
		switch {
		case f == nil:
			i = skip(tag, in, next)
		case tag&7 != f.wireType, written:
			return out, false
		case tag>>3 == 2 && (len(in)-next < 8 || !isFinite(math.Float64frombits(binary.LittleEndian.Uint64(in[next:])))):
			return out, false
		default:
			out, i = w.value(out, f, in, next, depth)
			written = true
		}
		if i < 0 {
			return out, false
		}
	}
	return out, written
}
