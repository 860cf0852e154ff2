package runtime

import (
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"
)

// gathered notes the batches that a gatherer sends; settle settles the oldest.
type gathered struct {
	*gatherer[string, int]
	t       *testing.T
	batches [][]int
	settles []func(error)
}

func (g *gathered) carry(_ string, b *batch[string, int]) bool {
	g.batches = append(g.batches, slices.Clone(b.contents))
	g.settles = append(g.settles, b.settle)
	return true
}

func (g *gathered) settled(string, []int, error) {}

// put adds an entry.
func (g *gathered) put(content, bytes int, work time.Duration) {
	g.add(entry[int]{content: content, bytes: bytes, work: work})
}

// advance lets the time of a synctest bubble pass.
func advance(d time.Duration) { <-time.After(d) }

func newGathered(t *testing.T, limits Batching) *gathered {
	g := &gathered{t: t}
	g.gatherer = newGatherer(limits.withDefaults(), "queue", carrier[string, int](g))
	return g
}

func (g *gathered) settle() {
	settled := g.settles[0]
	g.settles = g.settles[1:]
	settled(nil)
}

func (g *gathered) expect(want ...[]int) {
	g.t.Helper()
	if fmt.Sprint(g.batches) != fmt.Sprint(want) {
		g.t.Errorf("sent %v, want %v", g.batches, want)
	}
}

func TestFirstEntryLeavesAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGathered(t, Batching{})
		g.put(1, 10, 0)
		g.put(2, 10, 0)
		g.put(3, 10, 0)
		g.expect([]int{1})
		g.settle()
		g.expect([]int{1}, []int{2, 3})
		if g.idle() {
			t.Error("idle with a message under way")
		}
		g.settle()
		if !g.idle() {
			t.Error("not idle with nothing under way")
		}
		advance(time.Second) // the timer fires on nothing
		g.expect([]int{1}, []int{2, 3})
	})
}

func TestEntriesLingerNoLonger(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGathered(t, Batching{Linger: time.Millisecond})
		g.put(1, 10, 0)
		g.put(2, 10, 0)
		advance(2 * time.Millisecond)
		synctest.Wait()
		g.expect([]int{1}, []int{2})
	})
}

func TestEntriesAndBytesAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGathered(t, Batching{MaxEntries: 3, MaxBytes: 100})
		for i := range 7 {
			g.put(i, 10, 0)
		}
		g.expect([]int{0}, []int{1, 2, 3}, []int{4, 5, 6})
		g.put(7, 60, 0)
		g.put(8, 60, 0) // does not fit beside 7
		g.put(9, 500, 0)
		g.expect([]int{0}, []int{1, 2, 3}, []int{4, 5, 6}, []int{7}, []int{8}, []int{9})
	})
}

func TestQuickCallsWaitForHalfOfThoseOpen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGathered(t, Batching{})
		g.open.Store(6)
		g.put(1, 10, quickWork)
		g.put(2, 10, quickWork)
		g.expect()
		g.put(3, 10, quickWork)
		g.expect([]int{1, 2, 3})
		g.put(4, 10, quickWork)
		g.settle() // the way is free, and one of six is not enough
		g.expect([]int{1, 2, 3})
		g.put(5, 10, 2*quickWork) // not quick
		g.expect([]int{1, 2, 3}, []int{4, 5})
		g.settle()
		g.put(6, 10, quickWork)
		advance(DefaultBatchLinger)
		synctest.Wait()
		g.expect([]int{1, 2, 3}, []int{4, 5}, []int{6})
		if g.idle() {
			t.Error("idle with calls open")
		}
	})
}

func TestSlowWorkGoesOneByOne(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGathered(t, Batching{})
		for i := range 3 {
			g.put(i, 10, 10*time.Millisecond)
		}
		for i := range 4 {
			g.put(10+i, 10, workPerMessage/2)
		}
		g.put(20, 10, quickWork)
		g.put(21, 10, 10*time.Millisecond) // not in the message of the quick one
		g.expect([]int{0}, []int{1}, []int{2}, []int{10, 11}, []int{12, 13}, []int{20}, []int{21})
	})
}

func TestLingerFollowsTheBroker(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGathered(t, Batching{Linger: time.Millisecond})
		for _, step := range []struct{ confirmedAfter, want time.Duration }{
			{200 * time.Microsecond, time.Millisecond}, // no less than the configured
			{1500 * time.Microsecond, 3 * time.Millisecond},
			{time.Second, maxLinger * time.Millisecond},
			{0, time.Millisecond},
		} {
			for range 100 {
				g.put(1, 10, 0)
				advance(step.confirmedAfter)
				g.settle()
			}
			if got := g.lingerNow().Round(10 * time.Microsecond); got != step.want {
				t.Errorf("confirmed after %v: lingers for %v, want %v", step.confirmedAfter, got, step.want)
			}
		}
	})
}

func TestIdleDestinationsAreDropped(t *testing.T) {
	g := &gathered{t: t}
	all := newGatherers(Batching{}.withDefaults(), carrier[string, int](g))
	for i := range 10 * minSweep {
		all.of(fmt.Sprint(i)).add(entry[int]{content: i, bytes: 1})
		for len(g.settles) > 0 {
			g.settle()
		}
	}
	if len(all.inUse) > minSweep {
		t.Errorf("%d gatherers are kept, want at most %d", len(all.inUse), minSweep)
	}
}
