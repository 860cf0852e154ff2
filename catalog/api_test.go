package catalog_test

import (
	"slices"
	"sync"
	"testing"

	"github.com/mqrpc/mqrpc/catalog"
)

// counter makes numbers, and counts them.
type counter struct{ made int }

func (c *counter) Make(*catalog.API) any { c.made++; return c.made }

func TestMadeOnceForEachMakerAndAPI(t *testing.T) {
	one, other := &counter{}, &counter{}
	first, second := &catalog.API{}, &catalog.API{}
	var callers sync.WaitGroup
	for range 8 {
		callers.Go(func() {
			if got := first.Made(one); got != 1 {
				t.Errorf("got %v, want 1", got)
			}
		})
	}
	callers.Wait()
	got := []any{second.Made(one), first.Made(other), first.Made(one)}
	if want := []any{2, 1, 1}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestCallsInFlight(t *testing.T) {
	shared := &catalog.Calls{}
	before, after := &catalog.API{Calls: shared}, &catalog.API{Calls: shared}
	if !before.Counter().Enter(1) || after.Counter().Enter(1) {
		t.Error("a later state of the API does not count the calls of the earlier one")
	}
	before.Counter().Leave()
	if !after.Counter().Enter(1) || shared.InFlight() != 1 {
		t.Errorf("%d calls are in flight, want 1", shared.InFlight())
	}
	if alone := (&catalog.API{}); !alone.Counter().Enter(1) || alone.Counter().Enter(1) || alone.Counter().InFlight() != 1 {
		t.Error("an API without a counter does not count")
	}
}
