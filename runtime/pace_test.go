package runtime

import (
	"testing"
	"time"
)

func TestPaceFollowsTheReplies(t *testing.T) {
	var p pace
	if got := p.expected(); got != workPerMessage {
		t.Errorf("an unknown method is expected to take %v, want %v", got, workPerMessage)
	}
	p.observe(10 * time.Microsecond)
	if got := p.expected(); got != 10*time.Microsecond {
		t.Errorf("after one reply: %v", got)
	}
	for range 100 {
		p.observe(time.Second)
	}
	if got := p.expected(); got < 900*time.Millisecond || got > time.Second {
		t.Errorf("after 100 slow replies: %v", got)
	}
	for range 1000 {
		p.observe(0)
	}
	if got := p.expected(); got <= 0 || got > time.Microsecond {
		t.Errorf("after 1,000 fast replies: %v", got)
	}
}
