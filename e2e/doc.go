// Package e2e tests the whole stack, from a typed client to a worker's handler
// and back: over the in-memory transport, and with the build tag "services" over
// real RabbitMQ brokers, which are killed, restarted, cut off and blocked.
//
//   - service_test.go: the service under test
//   - stack_test.go: the transports that the tests run on
//   - call_test.go: what a call promises
//   - worker_test.go: how workers share, stop and die
//   - describe_test.go: what workers say of themselves
//   - process_test.go: workers in processes of their own, to be killed
//   - fault_test.go: brokers and connections that fail
//   - gateway_process_test.go, registry_test.go: a gateway that is never
//     redeployed, and registries that fail behind it
//   - registrybench/: the registry's figures
package e2e
