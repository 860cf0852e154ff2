package batch

import (
	"slices"
	"sync"
)

// maxSpareBuffer bounds the memory that is kept for later use.
const maxSpareBuffer = 256 << 10

var spareBuffers = sync.Pool{New: func() any { return new([]byte) }}

// TakeBuffer returns an empty buffer with room for that many bytes, whose memory
// may have been used before. It serves for messages and for what goes into them.
func TakeBuffer(size int) *[]byte {
	buffer := spareBuffers.Get().(*[]byte)
	*buffer = slices.Grow((*buffer)[:0], size)
	return buffer
}

// GiveBuffer takes a buffer back, which nobody may use any more. Nil is fine.
func GiveBuffer(buffer *[]byte) {
	if buffer != nil && cap(*buffer) <= maxSpareBuffer {
		spareBuffers.Put(buffer)
	}
}
