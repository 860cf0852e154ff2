package runtime

import (
	"fmt"
	goruntime "runtime"
	"sync"
	"testing"
)

func TestPoolBoundsAndKeepsOrder(t *testing.T) {
	p := newPool(1)
	var done sync.WaitGroup
	var order []int
	gate := make(chan struct{})
	for i := range 100 {
		done.Add(1)
		p.run(func() {
			defer done.Done()
			<-gate
			order = append(order, i)
		})
	}
	if running, waiting := p.load(); running != 1 || waiting != 99 {
		t.Errorf("%d run and %d wait, want 1 and 99", running, waiting)
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
	p := newPool(1)
	gate, done := make(chan struct{}), make(chan string, 1)
	p.run(func() {
		<-gate
		goruntime.Goexit()
	})
	p.run(func() { done <- "ran" })
	close(gate)
	if got := <-done; got != "ran" {
		t.Errorf("got %q", got)
	}
}

func TestPoolHoldsNoGoroutine(*testing.T) {
	p := newPool(4)
	var done sync.WaitGroup
	for range 50 {
		done.Add(1)
		p.run(done.Done)
	}
	done.Wait()
	for {
		if running, waiting := p.load(); running == 0 && waiting == 0 {
			return
		}
		goruntime.Gosched()
	}
}

func BenchmarkPool(b *testing.B) {
	for _, limit := range []int{1, 256} {
		b.Run(fmt.Sprint(limit), func(b *testing.B) {
			p := newPool(limit)
			var done sync.WaitGroup
			done.Add(b.N)
			for range b.N {
				p.run(done.Done)
			}
			done.Wait()
		})
	}
}
