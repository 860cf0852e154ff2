package batch

import (
	"testing"
	"time"
)

func TestPaceFollowsTheReplies(t *testing.T) {
	var p Pace
	if got := p.Expected(); got != WorkPerMessage {
		t.Errorf("an unknown method is expected to take %v, want %v", got, WorkPerMessage)
	}
	p.Observe(10 * time.Microsecond)
	if got := p.Expected(); got != 10*time.Microsecond {
		t.Errorf("after one reply: %v", got)
	}
	for range 100 {
		p.Observe(time.Second)
	}
	if got := p.Expected(); got < 900*time.Millisecond || got > time.Second {
		t.Errorf("after 100 slow replies: %v", got)
	}
	for range 1000 {
		p.Observe(0)
	}
	if got := p.Expected(); got <= 0 || got > time.Microsecond {
		t.Errorf("after 1,000 fast replies: %v", got)
	}
}
