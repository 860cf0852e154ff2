package runtime

import "testing"

func TestTallyMayGrowWhileSomebodyWaits(t *testing.T) {
	var under tally
	<-under.none()
	under.add()
	first := under.none()
	under.add()
	under.done()
	select {
	case <-first:
		t.Fatal("none is under way, it is said, and one is")
	default:
	}
	under.done()
	under.add() // before whoever waits has looked
	<-first
	under.done()
	<-under.none()
}
