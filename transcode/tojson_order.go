package transcode

import (
	"cmp"
	"slices"
)

// memberStart is where a field begins in the output. Fields are ordered by even
// numbers; the odd ones are of what stands for those that are not set.
type memberStart struct{ order, at int }

// piece is a field in the output.
type piece struct{ order, start, end int }

// pieceSize is in bytes. Other parts of the scratch have no larger elements.
const pieceSize = 32

// settle writes what stands for the fields at the end that are not set, and puts
// all of a message's fields, which start at the first, in order.
func (w *jsonWriter) settle(out []byte, start, first int, unset []jsonField) (result []byte, ok bool) {
	if w.unpopulated {
		out = w.fill(out, unset)
	}
	members := w.starts[first:]
	if slices.IsSortedFunc(members, func(a, b memberStart) int { return cmp.Compare(a.order, b.order) }) {
		return out, true
	}
	return w.arrange(out, start, members)
}

// arrange puts the fields of a message, written from start on, in the order of
// their declaration. It refuses a message that has a field twice.
func (w *jsonWriter) arrange(out []byte, start int, members []memberStart) (result []byte, ok bool) {
	pieces := w.scratch.pieces[:0]
	for _, member := range members {
		pieces = append(pieces, piece{order: member.order, start: member.at})
	}
	w.scratch.pieces = pieces
	endPieces(pieces, len(out))
	slices.SortFunc(pieces, func(a, b piece) int { return cmp.Compare(a.order, b.order) })
	for i := 1; i < len(pieces); i++ {
		switch before := pieces[i-1].order; pieces[i].order {
		case before:
			return out, false
		case before | 1:
			pieces[i].end = pieces[i].start // The field is set.
		}
	}
	return w.move(out, start, pieces), true
}

// endPieces says where each piece ends: where the next begins.
func endPieces(pieces []piece, end int) {
	for i := len(pieces) - 1; i >= 0; i-- {
		pieces[i].end = end
		end = pieces[i].start
	}
}

// move puts what was written from start on into the order of these pieces.
func (w *jsonWriter) move(out []byte, start int, pieces []piece) []byte {
	scratch := w.scratch
	scratch.moved = append(scratch.moved[:0], out[start:]...)
	out = out[:start]
	for _, p := range pieces {
		out = append(out, scratch.moved[p.start-start:p.end-start]...)
	}
	return out
}
