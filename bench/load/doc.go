// Package load makes calls in a closed loop and says how many were answered and
// how fast. It is the same for all peers, which differ in [Call] only.
//
//   - loop.go: callers that call for a time, and what their latencies were
//   - serve.go: a load generator in a process of its own, ruled by its parent
//
// Latencies are counted by HdrHistogram. The loop is our own: vegeta, bombardier
// and hey load HTTP servers only, and the runner of fortio, which takes any
// function, has neither a warm-up nor a way to look at processor times when that
// is over.
package load
