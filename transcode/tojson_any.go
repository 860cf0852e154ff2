package transcode

import (
	"math"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/reflect/protoregistry"
)

// any writes the message inside an Any with its type.
func (w *jsonWriter) any(out, in []byte, depth int) (result []byte, ok bool) {
	url, value, ok := splitAny(in)
	switch {
	case !ok, depth > w.maxDepth:
		return out, false
	case len(url) == 0:
		return append(out, "{}"...), len(value) == 0
	}
	scratch := w.scratchSpace()
	if scratch.url != string(url) {
		scratch.url = string(url)
	}
	found, err := w.message.resolver.FindMessageByURL(scratch.url)
	if err != nil {
		return out, false
	}
	held := w.message.root.tables.found(found.Descriptor())
	if held == nil {
		return out, false
	}
	start := len(out)
	out = append(out, `,"@type":`...)
	if out, ok = appendQuoted(out, url); !ok {
		return out, false
	}
	demanded := w.demanded
	w.demanded = 0
	out, ok = w.held(out, held.json, value, depth)
	w.demanded = demanded
	return enclose(out, start, '{', '}'), ok
}

// held writes the message inside an Any: its fields, or what it is in JSON.
func (w *jsonWriter) held(out []byte, t *jsonTable, in []byte, depth int) (result []byte, ok bool) {
	switch t.form {
	case formPlain, formEmpty:
		return w.members(out, t, in, depth)
	case formAny, formStruct, formList, formValue:
		depth++
	}
	return w.write(append(out, `,"value":`...), t, in, depth)
}

// splitAny reads an Any. It refuses one that has a field twice.
func splitAny(in []byte) (url, value []byte, ok bool) {
	for i := 0; i < len(in); {
		tag, next := nextTag(in, i)
		switch {
		case next < 0:
			return nil, nil, false
		case tag == 1<<3|bytesType && url == nil:
			url, i = delimited(in, next)
		case tag == 2<<3|bytesType && value == nil:
			value, i = delimited(in, next)
		case tag>>3 <= 2:
			return nil, nil, false
		default:
			i = skip(tag, in, next)
		}
		if i < 0 {
			return nil, nil, false
		}
	}
	return url, value, true
}

// isExtension reports whether a field that the message does not have may be an
// extension of it.
func (w *jsonWriter) isExtension(t *jsonTable, number uint64) bool {
	if number > math.MaxInt32 || !t.extensions.Has(protowire.Number(number)) {
		return false
	}
	_, err := w.message.resolver.FindExtensionByNumber(t.name, protowire.Number(number))
	return err != protoregistry.NotFound //nolint:errorlint // as proto.Unmarshal compares it
}
