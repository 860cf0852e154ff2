// Package calls holds the peers of the rows of calls: one file each, with how
// it serves, how it calls, and why it is set up so. docs/benchmarks.md says the
// same for readers of the figures.
//
// What is served is an echo. Every peer's client checks every answer.
//
//   - peer.go: what a peer is, and the list of them
//   - inside.go: the servers' and load generators' processes
//   - contestant.go: how their parent starts them
//   - mqrpc.go, amqp.go, grpc.go, connect.go, nats.go: the peers
package calls
