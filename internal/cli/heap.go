package cli

import (
	"math"
	"os"
	"runtime"
	"runtime/debug"
)

// defaultHeapFloor is a compromise: a gateway's own heap has about 10 MiB, so
// that Go's default would collect garbage a dozen times a second under load.
const defaultHeapFloor = 64 << 20

// raiseHeapFloor keeps the garbage collector from running before the heap has
// that many bytes, until lower is called. It does nothing when the environment
// says how the collector shall work (GOGC, GOMEMLIMIT).
//
// The collector runs when the heap has doubled since the last time, so it is
// given half of the floor as memory that is in use. Nobody writes to it, so the
// operating system never provides it.
func raiseHeapFloor(floor int64) (lower func()) {
	_, set := os.LookupEnv("GOGC")
	if set || debug.SetMemoryLimit(-1) != math.MaxInt64 {
		return func() {}
	}
	held := make([]byte, floor/2)
	return func() { runtime.KeepAlive(held) }
}
