// Package transporttest is the contract of transport.Transport as a test suite.
// Every transport passes it, so that clients and workers may rely on what it
// checks. It imports no transport.
//
// A transport's own tests call it with a [Harness], which says how to connect
// and how to cause faults:
//
//	func TestContract(t *testing.T) {
//		transporttest.Run(t, transporttest.Harness{Connect: connect, Sever: sever})
//	}
//
//	func TestContractUnderBrokerFaults(t *testing.T) {
//		transporttest.RunFaults(t, transporttest.Harness{Connect: connect, StopBroker: …})
//	}
//
// [Run] may share its broker with anything else: each subtest has connections
// and queues of its own, which expire by themselves, and the subtests run in
// parallel. [RunFaults] stops and blocks the broker, so it needs one of its own,
// and its subtests run one after the other.
//
// What a transport cannot do is listed in [Harness.Lacks] with the reason; those
// subtests are skipped with it. A fault that is neither given nor listed fails
// the suite, so that nothing is skipped silently.
//
// The suite waits for conditions, for at most [Harness.Patience]. Where the
// contract says "at once", it allows two seconds, since a broker on a busy
// machine is slow. Every message that a subtest publishes must have its done
// called exactly once; the cleanup of each connection checks it.
//
// The files, by subject:
//
//	harness.go     Harness, Run, RunFaults
//	fixture.go     a subtest's connections and queues
//	inbox.go       the deliveries of a consumer
//	delivering.go  what arrives is what was sent, in its order
//	routing.go     exchanges, wildcards, messages for no queue
//	sharing.go     competing consumers and prefetch
//	settling.go    ack, requeue, redelivery
//	expiring.go    messages and queues that expire
//	declaring.go   Consume: arguments, errors, kinds of queues
//	stopping.go    Stop, Remove and Close
//	publishing.go  done, concurrency, deadlines
//	states.go      State and Watch
//	cutting.go     consumers over a broken connection
//	outages.go     publishing over a broken connection
//	faults.go      the broker is stopped, or blocks publishers
package transporttest
