package runtime

import (
	"fmt"
	goruntime "runtime"
	"sync"
	"testing"
)

func call(f func()) { f() }

func TestPoolBoundsAndKeepsOrder(t *testing.T) {
	p := newPool(1, call)
	var done sync.WaitGroup
	var order []int
	gate := make(chan struct{})
	for i := range 100 {
		done.Add(1)
		p.add(func() {
			defer done.Done()
			<-gate
			order = append(order, i)
		})
	}
	for {
		running, waiting := p.load()
		if running == 1 && waiting == 99 {
			break
		}
		if running != 1 || waiting < 99 {
			t.Fatalf("%d run and %d wait, want 1 and 99", running, waiting)
		}
		goruntime.Gosched()
	}
	close(gate)
	done.Wait()
	for i, got := range order {
		if got != i {
			t.Fatalf("ran in the order %v", order)
		}
	}
}

func TestPoolSurvivesAnEndedGoroutine(t *testing.T) {
	p := newPool(1, call)
	gate, done := make(chan struct{}), make(chan string, 1)
	p.add(func() {
		<-gate
		goruntime.Goexit()
	})
	p.add(func() { done <- "ran" })
	close(gate)
	if got := <-done; got != "ran" {
		t.Errorf("got %q", got)
	}
}

func TestPoolGivesPlacesUp(*testing.T) {
	p := newPool(4, call)
	var done sync.WaitGroup
	for range 50 {
		done.Add(1)
		p.add(done.Done)
	}
	done.Wait()
	for {
		if running, waiting := p.load(); running == 0 && waiting == 0 {
			return
		}
		goruntime.Gosched()
	}
}

func TestPoolRunsWhatBlocksSideBySide(*testing.T) {
	const limit = 100
	var together sync.WaitGroup
	together.Add(limit)
	p := newPool(limit, func(int) {
		together.Done()
		together.Wait()
	})
	for i := range limit {
		p.add(i)
	}
	together.Wait()
}

// One item at a time is what a pool meets when calls come one by one.
func BenchmarkPoolOneByOne(b *testing.B) {
	done := make(chan struct{})
	p := newPool(256, func(struct{}) { done <- struct{}{} })
	for range b.N {
		p.add(struct{}{})
		<-done
	}
}

func BenchmarkPool(b *testing.B) {
	for _, limit := range []int{1, 256} {
		b.Run(fmt.Sprint(limit), func(b *testing.B) {
			p := newPool(limit, call)
			var done sync.WaitGroup
			done.Add(b.N)
			for range b.N {
				p.add(done.Done)
			}
			done.Wait()
		})
	}
}
