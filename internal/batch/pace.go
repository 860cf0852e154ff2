package batch

import (
	"sync/atomic"
	"time"
)

// Pace is how long a method's handlers take, as its replies tell. The zero value
// knows nothing. It is safe for concurrent use.
type Pace struct {
	average int64 //nolint:modernize // in nanoseconds; 0: unknown. An atomic.Int64 could not be copied
}

// Expected is the handling time that one more call will need. A method that
// nobody has called yet is taken for slow.
func (p *Pace) Expected() time.Duration {
	if average := atomic.LoadInt64(&p.average); average > 0 {
		return time.Duration(average)
	}
	return WorkPerMessage
}

// averageWeight is one over the part that the newest value has in an average.
const averageWeight = 8

// Observe notes the handling time of a reply. Of two at the same time one may be
// lost.
func (p *Pace) Observe(handled time.Duration) {
	average := time.Duration(atomic.LoadInt64(&p.average))
	if average == 0 {
		average = handled
	}
	average += (handled - average) / averageWeight
	atomic.StoreInt64(&p.average, max(int64(average), 1))
}
