// Package gateways holds the peers of the rows of gateways: what turns an HTTP
// request into a call of bench.v1.BenchService.Exchange and back, with a server
// behind it in a process of its own. docs/benchmarks.md says the same for
// readers of the figures.
//
//   - peer.go: what a peer is, and the list of them
//   - contestant.go: how their parent starts them
//   - inside.go: the gateways' and load generators' processes
//   - loader.go: the load and the checks
//   - connection.go: a caller: its connection, a request out, a response in
//   - mqrpc.go, grpcgateway.go, nethttp.go: the peers
//
// The load shares the machine with the gateways, so it has to be cheap: each
// caller writes prepared bytes to a connection of its own, and fasthttp reads
// the response. Whole clients cost more for each request: fasthttp's HostClient
// a fifth more, net/http's more than twice as much.
package gateways
