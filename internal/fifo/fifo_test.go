package fifo

import "testing"

func TestQueueKeepsOrderAndForgets(t *testing.T) {
	var f Queue[int]
	next := 0
	for i := range 10_000 {
		f.Push(i)
		if i%3 != 0 {
			if got := f.Pop(); got != next {
				t.Fatalf("got %d, want %d", got, next)
			}
			next++
		}
	}
	for f.Len() > 0 {
		if got := f.Pop(); got != next {
			t.Fatalf("got %d, want %d", got, next)
		}
		next++
	}
	if len(f.items) != 0 {
		t.Errorf("the empty queue keeps %d items", len(f.items))
	}
}
