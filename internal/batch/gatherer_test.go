package batch

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"testing"
	"testing/synctest"
	"time"
)

// defaults are those of clients and workers.
var defaults = Limits{Entries: 512, Bytes: 64 << 10, Linger: 500 * time.Microsecond}

// recorder notes the batches that are sent; settle settles the oldest.
type recorder struct {
	t       *testing.T
	batches [][]int
	settles []func(error)
}

func (r *recorder) sender() Sender[string, int] {
	return Sender[string, int]{
		Send: func(_ string, b *Batch[int]) bool {
			r.batches = append(r.batches, slices.Clone(b.Contents))
			r.settles = append(r.settles, b.Settle)
			return true
		},
		Settled: func(string, *Batch[int], error) bool { return true },
	}
}

// gathered is a gatherer with a recorder.
type gathered struct {
	*Gatherer[string, int]
	recorder
}

// put adds an entry.
func (g *gathered) put(content, bytes int, work time.Duration) {
	g.Add(Entry[int]{Content: content, Bytes: bytes, Work: work})
}

// advance lets the time of a synctest bubble pass.
func advance(d time.Duration) { <-time.After(d) }

func newGathered(t *testing.T, limits Limits) *gathered {
	g := &gathered{recorder: recorder{t: t}}
	g.Gatherer = newGatherer(limits, "queue", g.recorder.sender())
	return g
}

func (r *recorder) settle() {
	settled := r.settles[0]
	r.settles = r.settles[1:]
	settled(nil)
}

func (r *recorder) expect(want ...[]int) {
	r.t.Helper()
	if fmt.Sprint(r.batches) != fmt.Sprint(want) {
		r.t.Errorf("sent %v, want %v", r.batches, want)
	}
}

func TestFirstEntryLeavesAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGathered(t, defaults)
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
		g := newGathered(t, Limits{Entries: 512, Bytes: 64 << 10, Linger: time.Millisecond})
		g.put(1, 10, 0)
		g.put(2, 10, 0)
		advance(2 * time.Millisecond)
		synctest.Wait()
		g.expect([]int{1}, []int{2})
	})
}

func TestEntriesAndBytesAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGathered(t, Limits{Entries: 3, Bytes: 100, Linger: defaults.Linger})
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
		g := newGathered(t, defaults)
		g.AddOpen(6, true)
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
		advance(defaults.Linger)
		synctest.Wait()
		g.expect([]int{1, 2, 3}, []int{4, 5}, []int{6})
		if g.idle() {
			t.Error("idle with calls open")
		}
	})
}

func TestSlowWorkSharesTheRoomOfInstances(t *testing.T) {
	const slow = 10 * time.Millisecond
	type answer struct {
		instance string
		free     int
	}
	for name, test := range map[string]struct {
		heard []answer
		open  int64
		want  [][]int
	}{
		"nobody has answered":          {nil, 7, [][]int{{0}, {1}, {2}, {3}, {4}, {5}, {6}}},
		"one instance":                 {[]answer{{"a", 100}}, 7, [][]int{{0}, {1, 2, 3, 4, 5, 6}}},
		"one that says nothing":        {[]answer{{"a", -1}}, 7, [][]int{{0}, {1}, {2}, {3}, {4}, {5}, {6}}},
		"one that runs three":          {[]answer{{"a", 3}, {"a", 0}}, 7, [][]int{{0}, {1, 2, 3}, {4, 5, 6}}},
		"two have half each":           {[]answer{{"a", 100}, {"b", 100}}, 6, [][]int{{0}, {1, 2, 3}, {4, 5, 6}}},
		"one of two runs but two":      {[]answer{{"a", 100}, {"b", 2}}, 7, [][]int{{0}, {1, 2}, {3, 4}, {5, 6}}},
		"more instances than are open": {[]answer{{"a", 100}, {"b", 100}, {"c", 100}}, 3, [][]int{{0}, {1}, {2}, {3}, {4}, {5}, {6}}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				g := newGathered(t, defaults)
				for _, answer := range test.heard {
					g.Heard(answer.instance, answer.free)
				}
				g.AddOpen(test.open, false)
				for i := range 7 {
					g.put(i, 10, slow)
				}
				for len(g.settles) > 0 {
					g.settle()
				}
				g.expect(test.want...)
			})
		})
	}
}

func TestInstancesAreForgotten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGathered(t, defaults)
		for i := range 2 * maxInstances {
			g.Heard(fmt.Sprint(i), 7)
		}
		if n := len(g.room.instances); n != maxInstances {
			t.Errorf("%d instances are counted, want at most %d", n, maxInstances)
		}
		advance(instanceLasts + time.Second)
		g.Heard("0", 1)
		if n := len(g.room.instances); n != 1 || g.room.slots != 7 {
			t.Errorf("%d instances are counted and the narrowest runs %d, want 1 and 7", n, g.room.slots)
		}
	})
}

// TestSlowWorkGoesOneByOne as long as no instance has said what it can take.
func TestSlowWorkGoesOneByOne(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGathered(t, defaults)
		for i := range 3 {
			g.put(i, 10, 10*time.Millisecond)
		}
		for i := range 4 {
			g.put(10+i, 10, WorkPerMessage/2)
		}
		g.put(20, 10, quickWork)
		g.put(21, 10, 10*time.Millisecond) // not in the message of the quick one
		g.expect([]int{0}, []int{1}, []int{2}, []int{10, 11}, []int{12, 13}, []int{20}, []int{21})
	})
}

func TestLingerFollowsTheBroker(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGathered(t, Limits{Entries: 512, Bytes: 64 << 10, Linger: time.Millisecond})
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

func TestEntriesThatAreFollowedWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGathered(t, defaults)
		for i := range 3 {
			g.Add(Entry[int]{Content: i, Bytes: 10, Followed: i < 2})
		}
		g.expect([]int{0, 1, 2})
	})
}

func TestNothingLeftToSendEndsTheMessage(t *testing.T) {
	dropped := 0
	g := newGatherer(defaults, "queue", Sender[string, int]{Send: func(string, *Batch[int]) bool {
		dropped++
		return false
	}})
	for range 3 {
		g.Add(Entry[int]{Content: 1, Bytes: 10})
	}
	if dropped != 3 || !g.idle() {
		t.Errorf("%d messages were dropped, idle: %t, want 3, true", dropped, g.idle())
	}
}

// TestBatchesAreUsedAgain checks that nothing of a message is left in the next one.
func TestBatchesAreUsedAgain(t *testing.T) {
	var last *Batch[*int]
	g := newGatherer(defaults, "queue", Sender[string, *int]{
		Send: func(_ string, b *Batch[*int]) bool {
			if len(*b.Body) > 0 || len(b.Contents) != 1 {
				t.Errorf("a message begins with %d bytes and has %d entries", len(*b.Body), len(b.Contents))
			}
			*b.Body = append(*b.Body, "message"...)
			last = b
			return true
		},
		Settled: func(_ string, _ *Batch[*int], outcome error) bool {
			if !errors.Is(outcome, io.EOF) && outcome != nil {
				t.Errorf("the outcome is %v", outcome)
			}
			return true
		},
	})
	for _, outcome := range []error{nil, io.EOF, nil, nil} {
		g.Add(Entry[*int]{Content: new(int), Bytes: 10})
		last.Settle(outcome)
		if outcome == nil && last.Contents[:1][0] != nil {
			t.Error("a message that is settled keeps its entries")
		}
	}
}

// TestBatchThatIsSentAgainStaysWhole until it has its last outcome.
func TestBatchThatIsSentAgainStaysWhole(t *testing.T) {
	var sent *Batch[int]
	outcomes := 0
	g := newGatherer(defaults, "queue", Sender[string, int]{
		Send: func(_ string, b *Batch[int]) bool {
			*b.Body = append(*b.Body, "message"...)
			sent = b
			return true
		},
		Settled: func(_ string, _ *Batch[int], outcome error) bool {
			outcomes++
			return outcome == nil
		},
	})
	g.Add(Entry[int]{Content: 1, Bytes: 10})
	for range 3 {
		sent.Settle(io.EOF)
		if string(*sent.Body) != "message" || len(sent.Contents) != 1 || g.idle() {
			t.Fatalf("the batch has %q and %d entries, idle: %t", *sent.Body, len(sent.Contents), g.idle())
		}
	}
	sent.Settle(nil)
	if outcomes != 4 || !g.idle() {
		t.Errorf("%d outcomes, idle: %t, want 4, true", outcomes, g.idle())
	}
}

func TestIdleDestinationsAreDropped(t *testing.T) {
	r := &recorder{t: t}
	all := NewGatherers(defaults, r.sender())
	for i := range 10 * minSweep {
		all.To(fmt.Sprint(i)).Add(Entry[int]{Content: i, Bytes: 1})
		for len(r.settles) > 0 {
			r.settle()
		}
	}
	if len(all.inUse) > minSweep {
		t.Errorf("%d gatherers are kept, want at most %d", len(all.inUse), minSweep)
	}
}
