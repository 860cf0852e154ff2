//go:build race

package transcode_test

// raceEnabled tells long tests that everything takes ten times longer, and
// tests of allocations that the detector makes some.
const raceEnabled = true
