package runtime

import "sync"

// maxSpareBuffer bounds the memory that is kept for later use.
const maxSpareBuffer = 64 << 10

var spareBuffers = sync.Pool{New: func() any { return new([]byte) }}

// takeBuffer returns an empty buffer, whose memory may have been used before.
func takeBuffer() *[]byte {
	buffer := spareBuffers.Get().(*[]byte)
	*buffer = (*buffer)[:0]
	return buffer
}

// giveBuffer takes a buffer back, which nobody may use any more. Nil is fine.
func giveBuffer(buffer *[]byte) {
	if buffer != nil && cap(*buffer) <= maxSpareBuffer {
		spareBuffers.Put(buffer)
	}
}
