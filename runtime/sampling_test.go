package runtime

import (
	"testing"
	"time"
)

func TestSamplingConfirmsSomeLoneMessages(t *testing.T) {
	var s sampling
	now := time.Now()
	for i, step := range []struct {
		after   time.Duration
		lone    bool
		refused bool // before
		want    bool
	}{
		{lone: true, want: true}, // nothing is known
		{lone: true, want: false},
		{after: samplingInterval - 1, lone: true, want: false},
		{after: 1, lone: true, want: true},
		{after: samplingInterval / 2, lone: false, want: true},
		{after: samplingInterval / 2, lone: true, want: false},
		{lone: true, refused: true, want: true},
		{after: refusalHolds - 1, lone: true, want: true},
		{after: 1, lone: true, want: false},
	} {
		now = now.Add(step.after)
		if step.refused {
			s.refused(now)
		}
		if got := s.confirms(step.lone, now); got != step.want {
			t.Errorf("step %d: confirmed: %t, want %t", i, got, step.want)
		}
	}
}
