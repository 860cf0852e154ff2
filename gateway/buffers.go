package gateway

import (
	"bytes"
	"sync"
)

// buffers are the memory that one request works in, and then the next one:
//
//   - body holds the HTTP request's body.
//   - payload holds the request message. A [runtime.Caller] has it until Invoke
//     returns.
//   - reply holds the response's JSON.
type buffers struct {
	body           bytes.Buffer
	payload, reply []byte
}

// maxPooled bounds the size of a buffer that is kept for the next request, so
// that a few large bodies do not occupy memory for ever.
const maxPooled = 256 << 10

var buffersPool = sync.Pool{New: func() any { return new(buffers) }}

// takeBuffers returns empty buffers.
func takeBuffers() *buffers {
	return buffersPool.Get().(*buffers) //nolint:forcetypeassert // The pool holds nothing else.
}

// release ends the use of everything that lies in the buffers.
func (b *buffers) release() {
	if b.body.Cap() > maxPooled {
		b.body = bytes.Buffer{}
	}
	b.body.Reset()
	for _, buffer := range []*[]byte{&b.payload, &b.reply} {
		if cap(*buffer) > maxPooled {
			*buffer = nil
		}
		*buffer = (*buffer)[:0]
	}
	buffersPool.Put(b)
}
