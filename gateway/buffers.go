package gateway

import "sync"

// buffers are the memory that one call works in. They belong to the goroutine
// that handles the request, from its beginning until the response is written,
// and then to the next call:
//
//   - text holds the request's body. A form is decoded in place, so the
//     bizContent of a callRequest lies in it, too. When the worker has replied,
//     it holds the response's JSON instead.
//   - payload holds the request message. A [runtime.Caller] has it until Invoke
//     returns.
//
// What outlives the request is copied: the names in a callRequest are strings of
// their own, and a caller that goes on with a call after Invoke copies the
// payload.
type buffers struct{ text, payload []byte }

// maxPooled bounds the size of a buffer that is kept for the next call, so that
// a few large bodies do not occupy memory for ever.
const maxPooled = 256 << 10

var buffersPool = sync.Pool{New: func() any { return new(buffers) }}

// takeBuffers returns empty buffers.
func takeBuffers() *buffers {
	return buffersPool.Get().(*buffers) //nolint:forcetypeassert // The pool holds nothing else.
}

// release ends the use of everything that lies in the buffers.
func (b *buffers) release() {
	for _, buffer := range []*[]byte{&b.text, &b.payload} {
		if cap(*buffer) > maxPooled {
			*buffer = nil
		}
		*buffer = (*buffer)[:0]
	}
	buffersPool.Put(b)
}
