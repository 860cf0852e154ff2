package transcode

import (
	"math"
	"slices"
	"sync"
)

// jsonWriter converts one message from the wire format to JSON. It refuses
// messages that are wrong, irregular or rare, for the slow path to judge.
//
// Each member of an object and each element of a list is written with a comma
// before it. The first comma becomes the opening bracket at the end. That way
// members can be moved: most messages come in the order in which their fields
// are declared, and those that do not are put in order when all is written.
//
// Its methods take the output and return it longer, as append does. Where the
// position or the report that they return refuses, the output is of no use.
type jsonWriter struct {
	maxDepth    int
	unpopulated bool   // write fields that are not set
	demanded    uint64 // which required fields matter: all, or none inside an Any
	message     *Message
	limit       int  // how long the output may be
	tooLong     bool // it would be longer

	// starts are those of the members of the messages around, in memory of the
	// scratch.
	starts  []memberStart
	scratch *jsonScratch // nil until something needs it
}

// jsonScratch is memory that most messages need while they are written, except
// the smallest.
type jsonScratch struct {
	starts     []memberStart // of the writer; kept here for the next message
	mapEntries []mapEntry    // of the maps around
	pieces     []piece
	moved      []byte
	url        string // of the last Any: the next is often of the same type
}

var jsonScratches = sync.Pool{New: func() any { return new(jsonScratch) }}

// appendJSON is the fast path of AppendJSON. It reports whether it took the
// message, and whether the JSON is too long.
func (m *Message) appendJSON(dst, wire []byte) (out []byte, ok, tooLong bool) {
	var w jsonWriter
	w.maxDepth, w.unpopulated, w.demanded = m.maxDepth, m.options.EmitUnpopulated, math.MaxUint64
	w.message = m
	w.limit = math.MaxInt
	if m.options.MaxJSON > 0 {
		w.limit = len(dst) + m.options.MaxJSON
	}
	if cap(dst)-len(dst) < len(wire) {
		dst = slices.Grow(dst, 2*len(wire)) // often enough; JSON is longer
	}
	out, ok = w.write(dst, m.root.get().json, wire, 1)
	if w.scratch != nil {
		w.release()
	}
	return out, ok, w.tooLong || w.exceeds(out)
}

// exceeds reports whether the output is too long. It is asked wherever a few
// bytes on the wire may have become many: before each message, and after each
// element.
func (w *jsonWriter) exceeds(out []byte) bool {
	if len(out) <= w.limit {
		return false
	}
	w.tooLong = true
	return true
}

func (w *jsonWriter) scratchSpace() *jsonScratch {
	if w.scratch == nil {
		w.takeScratch()
	}
	return w.scratch
}

// takeScratch is not inlined, so that scratchSpace is.
//
//go:noinline
func (w *jsonWriter) takeScratch() {
	w.scratch = jsonScratches.Get().(*jsonScratch)
	w.starts = w.scratch.starts
}

// release gives the scratch to the next message, unless this one made it large.
func (w *jsonWriter) release() {
	s := w.scratch
	s.starts, s.mapEntries = w.starts[:0], s.mapEntries[:0]
	if s.isSmall() {
		jsonScratches.Put(s)
	}
}

// maxScratch bounds each part of the scratch that is kept for the next message.
// It is a power of two, so that all parts are compared with it at once.
const maxScratch = 1 << 20

func (s *jsonScratch) isSmall() bool {
	elements := cap(s.pieces) | cap(s.starts) | cap(s.mapEntries)
	return elements*pieceSize|cap(s.moved)|len(s.url) < maxScratch
}

// write writes a message whose JSON is at that depth, if it is nested: 1 is
// the outermost.
func (w *jsonWriter) write(out []byte, t *jsonTable, in []byte, depth int) (result []byte, ok bool) {
	if w.exceeds(out) {
		return out, false
	}
	switch t.form {
	case formPlain, formEmpty:
		if depth > w.maxDepth {
			return out, false
		}
		start := len(out)
		if out, ok = w.members(out, t, in, depth); !ok {
			return out, false
		}
		return enclose(out, start, '{', '}'), true
	case formAny:
		return w.any(out, in, depth)
	case formTimestamp, formDuration:
		return w.time(out, t.form, in)
	case formFieldMask:
		return w.fieldMask(out, in, depth)
	case formWrapper:
		return w.wrapper(out, &t.fields[0], in)
	case formStruct, formList:
		return w.collection(out, &t.fields[0], in, depth)
	case formValue:
		return w.dynamic(out, t, in, depth)
	default:
		return out, false
	}
}

// enclose makes an object or a list of what was written from start on.
func enclose(out []byte, start int, opening, closing byte) []byte {
	if len(out) == start {
		return append(out, opening, closing)
	}
	out[start] = opening
	return append(out, closing)
}
