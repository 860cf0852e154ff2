// Package load makes calls in a closed loop and says how many were answered and
// how fast. It is the same for all peers, which differ in [Call] only.
//
//   - loop.go: callers that call for a time
//   - histogram.go: what their latencies were
//   - serve.go: a load generator in a process of its own, ruled by its parent
package load
