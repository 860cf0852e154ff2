package load

import (
	"math"
	"testing"
	"time"
)

func TestPercentiles(t *testing.T) {
	var h Histogram
	if h.Percentile(0.5) != 0 || h.Count() != 0 {
		t.Error("an empty histogram has durations")
	}
	const n = 10_000
	for i := 1; i <= n; i++ {
		h.Record(time.Duration(i) * time.Microsecond)
	}
	if h.Count() != n {
		t.Errorf("%d durations, not %d", h.Count(), n)
	}
	for share, want := range map[float64]time.Duration{
		0: time.Microsecond, 0.5: 5 * time.Millisecond, 0.99: 9900 * time.Microsecond, 1: 10 * time.Millisecond,
	} {
		got := h.Percentile(share)
		if off := math.Abs(float64(got-want)) / float64(want); off > 1.0/256 {
			t.Errorf("%g: %v, not %v", share, got, want)
		}
	}
}

func TestBuckets(t *testing.T) {
	last := -1
	for value := time.Duration(0); value < 1<<maxBits; value += value/100 + 1 {
		bucket := bucketOf(value)
		if bucket < last || bucket >= buckets {
			t.Fatalf("%d is in bucket %d, after %d", value, bucket, last)
		}
		if middle := middleOf(bucket); math.Abs(float64(middle-value)) > float64(value)/256 {
			t.Fatalf("%d is in bucket %d, whose middle is %d", value, bucket, middle)
		}
		last = bucket
	}
}

func TestBounds(t *testing.T) {
	var h Histogram
	h.Record(-time.Second)
	h.Record(math.MaxInt64)
	if h.Count() != 2 || h.Percentile(0) != 0 || h.Percentile(1) < time.Minute {
		t.Errorf("%d durations from %v to %v", h.Count(), h.Percentile(0), h.Percentile(1))
	}
}
