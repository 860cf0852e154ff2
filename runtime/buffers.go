package runtime

import (
	"slices"
	"sync"
)

// maxSpareBuffer bounds the memory that is kept for later use.
const maxSpareBuffer = 256 << 10

var spareBuffers = sync.Pool{New: func() any { return new([]byte) }}

// takeBuffer returns an empty buffer with room for that many bytes, whose memory
// may have been used before.
func takeBuffer(size int) *[]byte {
	buffer := spareBuffers.Get().(*[]byte)
	*buffer = slices.Grow((*buffer)[:0], size)
	return buffer
}

// giveBuffer takes a buffer back, which nobody may use any more. Nil is fine.
func giveBuffer(buffer *[]byte) {
	if buffer != nil && cap(*buffer) <= maxSpareBuffer {
		spareBuffers.Put(buffer)
	}
}
