package transcode

import (
	"slices"
	"sync"

	"google.golang.org/protobuf/encoding/protowire"
)

// A length stands before its content and is known after it. One byte is left
// for it. Where it needs more, short content moves at once; long content moves
// once, when the whole text is read, however deeply it is nested.

// maxMoved is up to how many bytes content moves at once.
const maxMoved = 2047

// fixup is a length that needs more than the one byte at its index in out.
type fixup struct{ at, length int }

// opened is content that has begun.
type opened struct {
	start    int // in out
	widening int // of the parser, by then
}

// open leaves a byte for a length.
func (p *parser) open() opened {
	p.out = append(p.out, 0)
	return opened{start: len(p.out), widening: p.widening}
}

// close writes the length of what was appended since open. It returns by how
// many bytes that moved.
func (p *parser) close(o opened) int {
	length := len(p.out) - o.start + p.widening - o.widening
	switch {
	case length < 0x80:
		p.out[o.start-1] = byte(length)
	case length <= maxMoved:
		p.out = append(p.out, 0)
		copy(p.out[o.start+1:], p.out[o.start:])
		p.out[o.start-1] = byte(length) | 0x80
		p.out[o.start] = byte(length >> 7)
		return 1
	default:
		scratch := p.scratchSpace()
		scratch.fixups = append(scratch.fixups, fixup{at: o.start - 1, length: length})
		p.widening += protowire.SizeVarint(uint64(length)) - 1
	}
	return 0
}

// closeText is close for what has nothing inside, and so moves at once.
func (p *parser) closeText(o opened) {
	length := len(p.out) - o.start
	more := protowire.SizeVarint(uint64(length)) - 1
	p.out = append(p.out, make([]byte, more)...)
	copy(p.out[o.start+more:], p.out[o.start:])
	protowire.AppendVarint(p.out[o.start-1:o.start-1], uint64(length))
}

// widen writes the lengths that were put off, from the last to the first.
func (p *parser) widen() {
	fixups := p.scratch.fixups
	if len(fixups) == 0 {
		return
	}
	slices.SortFunc(fixups, func(a, b fixup) int { return b.at - a.at })
	from := len(p.out)
	p.out = append(p.out, make([]byte, p.widening)...)
	to := len(p.out)
	for _, f := range fixups {
		to -= copy(p.out[to-(from-f.at-1):to], p.out[f.at+1:from])
		size := protowire.SizeVarint(uint64(f.length))
		to -= size
		protowire.AppendVarint(p.out[to:to:to+size], uint64(f.length))
		from = f.at
	}
}

// appendLength appends a length that is known.
func (p *parser) appendLength(length int) {
	if length < 0x80 {
		p.out = append(p.out, byte(length))
		return
	}
	p.out = protowire.AppendVarint(p.out, uint64(length))
}

// scratch is memory that some texts need while they are read.
type scratch struct {
	text       []byte             // of a value without its escapes
	seen       []uint64           // the bits of the fields of large messages that are open
	extensions []protowire.Number // of the messages that are open
	keys       []mapKey           // of the maps that are open
	slots      []int32            // hash tables over the keys of large maps
	fixups     []fixup
}

var scratches = sync.Pool{New: func() any { return new(scratch) }}

// maxKept bounds, in elements, what a scratch may keep for the next text.
const maxKept = 1 << 14

func (p *parser) scratchSpace() *scratch {
	if p.scratch == nil {
		p.scratch = scratches.Get().(*scratch)
	}
	return p.scratch
}

// release gives the scratch to the next text, unless this one made it large.
func (p *parser) release() {
	s := p.scratch
	if max(cap(s.text)/16, cap(s.seen), cap(s.extensions), cap(s.keys), cap(s.slots), cap(s.fixups)) > maxKept {
		return
	}
	s.text, s.seen, s.extensions = s.text[:0], s.seen[:0], s.extensions[:0]
	s.keys, s.slots, s.fixups = s.keys[:0], s.slots[:0], s.fixups[:0]
	scratches.Put(s)
}
