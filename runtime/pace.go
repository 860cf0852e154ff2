package runtime

import (
	"sync/atomic"
	"time"
)

// pace is how long a method's handlers take, as its replies tell. The zero
// value knows nothing.
type pace struct {
	average int64 //nolint:modernize // in nanoseconds; 0: unknown. An atomic.Int64 could not be copied
}

// expected is the handling time that one more call will need. A method that
// nobody has called yet is taken for slow.
func (p *pace) expected() time.Duration {
	if average := atomic.LoadInt64(&p.average); average > 0 {
		return time.Duration(average)
	}
	return workPerMessage
}

// paceWeight is one over the part that the newest reply has in the average.
const paceWeight = 8

// observe notes the handling time of a reply. Of two at the same time one may
// be lost.
func (p *pace) observe(handled time.Duration) {
	average := time.Duration(atomic.LoadInt64(&p.average))
	if average == 0 {
		average = handled
	}
	average += (handled - average) / paceWeight
	atomic.StoreInt64(&p.average, max(int64(average), 1))
}
