// Package e2e tests the whole stack, from a typed client to a worker's handler
// and back: over the in-memory transport, and with the build tag "services" over
// real RabbitMQ brokers, which are killed, restarted, cut off and blocked.
//
//   - service_test.go: the service under test
//   - stack_test.go: the transports that the tests run on
//   - call_test.go: what a call promises
//   - worker_test.go: how workers share, stop and die
//   - fault_test.go: brokers and connections that fail
package e2e
