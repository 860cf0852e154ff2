package transcode

import (
	"cmp"
	"slices"
)

// memberStart is where a field begins in the output. Fields are ordered by even
// numbers; the odd ones are of what stands for those that are not set.
type memberStart struct{ order, at int }

// piece is a member of an object, in the output.
type piece struct {
	order      uint64 // among the object's members
	start, end int    // end is set when members are to be moved

	// key and keyEnd are where a map's key is on the wire, if it is a string.
	// Keys of the same order are compared there.
	key, keyEnd int
}

const pieceSize = 40

// arrange puts the fields of a message, written from start on, in the order of
// their declaration. It refuses a message that has a field twice.
func (w *jsonWriter) arrange(out []byte, start int, members []memberStart) (result []byte, ok bool) {
	first := len(w.pieces)
	for _, member := range members {
		w.pieces = append(w.pieces, piece{order: uint64(member.order), start: member.at})
	}
	pieces := endPieces(w.pieces[first:], len(out))
	w.pieces = w.pieces[:first]
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
func endPieces(pieces []piece, end int) []piece {
	for i := len(pieces) - 1; i >= 0; i-- {
		pieces[i].end = end
		end = pieces[i].start
	}
	return pieces
}

// move puts what was written from start on into the order of these pieces.
func (w *jsonWriter) move(out []byte, start int, pieces []piece) []byte {
	w.moved = append(w.moved[:0], out[start:]...)
	out = out[:start]
	for _, p := range pieces {
		out = append(out, w.moved[p.start-start:p.end-start]...)
	}
	return out
}
