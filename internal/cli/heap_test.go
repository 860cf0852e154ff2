package cli

import (
	"runtime"
	"testing"
)

// TestHeapFloor: the collector's next goal is the floor or more.
func TestHeapFloor(t *testing.T) {
	const floor = 256 << 20
	lower := raiseHeapFloor(floor)
	runtime.GC()
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	if stats.NextGC < floor {
		t.Errorf("the next collection is at %d bytes, before %d", stats.NextGC, floor)
	}
	lower()
}

func TestHeapFloorLeavesTheEnvironmentAlone(t *testing.T) {
	t.Setenv("GOGC", "100")
	before := heapInUse()
	lower := raiseHeapFloor(256 << 20)
	if after := heapInUse(); after > before+100<<20 {
		t.Errorf("%d bytes more are in use", after-before)
	}
	lower()
}

func heapInUse() uint64 {
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	return stats.HeapInuse
}
