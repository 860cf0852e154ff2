package transcode

import (
	"cmp"
	"slices"
)

// piece is a member of an object, in the output.
type piece struct {
	order      uint64 // among the object's members
	start, end int    // end is set when members are to be moved

	// key and keyEnd are where a map's key is on the wire, if it is a string.
	// Keys of the same order are compared there.
	key, keyEnd int
}

const pieceSize = 40

// fieldOrder is a field's place among the members. The odd numbers are those of
// what stands for fields that are not set.
func fieldOrder(f *jsonField) uint64 {
	return 2 * uint64(f.index)
}

// arrange puts the fields of a message, written from start on, in the order of
// their declaration. It refuses a message that has a field twice.
func (w *jsonWriter) arrange(out []byte, start int, pieces []piece) (result []byte, ok bool) {
	pieces = endPieces(pieces, len(out))
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
