// Package gateways holds the peers of the rows of gateways: what turns an HTTP
// request into a call of bench.v1.BenchService.Exchange and back, with a server
// behind it in a process of its own. docs/benchmarks.md says the same for
// readers of the figures.
//
//   - peer.go: what a peer is, and the list of them
//   - contestant.go: how their parent starts them
//   - inside.go: the gateways' and load generators' processes
//   - loader.go: the load and the checks
//   - mqrpc.go, grpcgateway.go, nethttp.go: the peers
//   - httpload: what loads them
package gateways
