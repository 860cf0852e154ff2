package load

import (
	"math/bits"
	"sync/atomic"
	"time"
)

// Histogram counts durations in buckets whose width is at most a 256th of what
// they hold, from 1 ns to about a minute; what is longer counts as that. The
// zero value is empty and ready. It is safe for concurrent use.
type Histogram struct {
	buckets [buckets]atomic.Uint64
}

const (
	fineBits = 8 // a power of two is divided into 1<<fineBits buckets
	maxBits  = 36
	buckets  = (maxBits - fineBits + 1) << fineBits
)

// Record counts a duration.
func (h *Histogram) Record(d time.Duration) { h.buckets[bucketOf(d)].Add(1) }

// Count is how many durations were recorded.
func (h *Histogram) Count() uint64 {
	var count uint64
	for i := range h.buckets {
		count += h.buckets[i].Load()
	}
	return count
}

// Percentile is the duration that the given share of those recorded, from 0 to
// 1, do not exceed: the middle of its bucket. Of an empty histogram it is 0.
func (h *Histogram) Percentile(share float64) time.Duration {
	rank := uint64(share * float64(h.Count()))
	var seen uint64
	for i := range h.buckets {
		n := h.buckets[i].Load()
		if seen += n; n > 0 && seen >= rank {
			return middleOf(i)
		}
	}
	return 0
}

// bucketOf: values below 1<<fineBits have a bucket each; a greater one has the
// bucket of its highest fineBits+1 bits.
func bucketOf(d time.Duration) int {
	value := uint64(min(max(d, 0), 1<<maxBits-1))
	shift := max(0, bits.Len64(value)-fineBits-1)
	return shift<<fineBits + int(value>>shift) //nolint:gosec // less than buckets
}

func middleOf(bucket int) time.Duration {
	if bucket < 2<<fineBits {
		return time.Duration(bucket)
	}
	shift := bucket>>fineBits - 1
	low := (bucket - shift<<fineBits) << shift
	return time.Duration(low + 1<<shift/2)
}
