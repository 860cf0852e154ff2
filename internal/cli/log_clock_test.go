package cli

import (
	"testing"
	"time"
)

// TestTextClock: what the clock keeps of one time does no harm to the next.
func TestTextClock(t *testing.T) {
	noon := time.Date(2026, 3, 29, 12, 0, 0, 0, time.UTC)
	east := time.FixedZone("", 5*3600+45*60)
	var clock textClock
	for _, at := range []time.Time{
		noon, noon.Add(999_999_999), noon.Add(7 * time.Millisecond), noon.Add(time.Second), noon,
		noon.In(east), noon.In(east).Add(40 * time.Millisecond), noon.Add(40 * time.Millisecond), noon.AddDate(1, 0, 0),
	} {
		if got, want := string(clock.appendTime([]byte("at "), at)), "at "+at.Format(textLayout); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
}
