package rabbitmq

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

func TestAcknowledgementsShareFrames(t *testing.T) {
	var a acknowledgements
	expect := func(want string) {
		t.Helper()
		var frames []string
		a.flush(func(tag uint64, multiple bool) {
			frame := fmt.Sprint(tag)
			if multiple {
				frame = "<=" + frame
			}
			frames = append(frames, frame)
		})
		if got := strings.Join(frames, " "); got != want {
			t.Errorf("acknowledged %q, want %q", got, want)
		}
	}
	expect("")
	a.add(1)
	expect("1")
	a.add(3)
	a.add(4)
	expect("3 4") // 2 is not settled
	a.add(6)
	a.add(2)
	expect("2 6") // 3 and 4 are acknowledged already
	a.add(7)
	a.add(5)
	expect("<=7")
	a.settle(8) // requeued
	a.add(9)
	a.add(10)
	expect("<=10")
	if len(a.beyond) != 0 {
		t.Errorf("it remembers %v", a.beyond)
	}
}

// TestAcknowledgementsNameEveryTagOnce plays a broker, which closes the channel
// on a tag that it does not wait for.
func TestAcknowledgementsNameEveryTagOnce(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	var a acknowledgements
	var unsettled, unacknowledged []uint64
	ack := func(tag uint64, multiple bool) {
		at, found := slices.BinarySearch(unacknowledged, tag)
		if !found {
			t.Fatalf("%d is acknowledged, and only %v are waited for", tag, unacknowledged)
		}
		from := at
		if multiple {
			from = 0
		}
		for _, gone := range unacknowledged[from : at+1] {
			if slices.Contains(unsettled, gone) {
				t.Fatalf("%d is acknowledged and not settled", gone)
			}
		}
		unacknowledged = slices.Delete(unacknowledged, from, at+1)
	}
	for tag := uint64(1); tag <= 10_000; tag++ {
		unsettled, unacknowledged = append(unsettled, tag), append(unacknowledged, tag)
		for len(unsettled) > 0 && random.IntN(3) > 0 {
			i := random.IntN(min(len(unsettled), 20))
			a.add(unsettled[i])
			unsettled = slices.Delete(unsettled, i, i+1)
		}
		if random.IntN(10) == 0 {
			a.flush(ack)
		}
	}
	for _, tag := range unsettled {
		a.add(tag)
	}
	unsettled = nil
	a.flush(ack)
	if len(unacknowledged) > 0 || len(a.beyond) > 0 {
		t.Errorf("%v are not acknowledged; it remembers %v", unacknowledged, a.beyond)
	}
}
