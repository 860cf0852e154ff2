package runtime

import (
	"time"

	"github.com/mqrpc/mqrpc/internal/batch"
	"github.com/mqrpc/mqrpc/wire"
)

// Batching bounds how calls, or replies, gather in messages. A call that finds
// no message under way to its queue is sent at once, with those whose callers are
// about to call at the same moment; the others gather until the broker has
// confirmed the message before them and they are enough, or one of these bounds
// is reached. The zero value has the defaults.
type Batching struct {
	// MaxEntries bounds the calls or replies in one message. Default:
	// [DefaultBatchEntries]; greatest: 1,024, the protocol's limit. With 1 every
	// call travels alone: batching is off.
	MaxEntries int
	// MaxBytes is the size of a message beyond which nothing is added to it. What
	// is larger travels alone. Default: [DefaultBatchBytes].
	MaxBytes int
	// Linger bounds the time for which a call gathers; where the broker takes
	// longer to confirm messages it is up to twice that, and up to four times
	// Linger. Default: [DefaultBatchLinger].
	Linger time.Duration
}

// The defaults of [Batching].
const (
	DefaultBatchEntries = 512
	DefaultBatchBytes   = 64 << 10
	DefaultBatchLinger  = 500 * time.Microsecond
)

func (b Batching) limits() batch.Limits {
	limits := batch.Limits{Entries: min(b.MaxEntries, wire.MaxBatch), Bytes: b.MaxBytes, Linger: b.Linger}
	if limits.Entries <= 0 {
		limits.Entries = DefaultBatchEntries
	}
	if limits.Bytes <= 0 {
		limits.Bytes = DefaultBatchBytes
	}
	if limits.Linger <= 0 {
		limits.Linger = DefaultBatchLinger
	}
	return limits
}
