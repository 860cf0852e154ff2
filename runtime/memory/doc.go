// Package memory is the in-memory transport: a message broker inside the
// process. It is the default where no RabbitMQ is configured, and what tests of
// services use.
//
//	transport := memory.New()                 // one connection to a broker of its own
//
//	broker := memory.NewBroker(memory.Config{})
//	worker, client := broker.Connect(), broker.Connect()
//
// It keeps RabbitMQ's meaning, and runtime/transport/transporttest holds both to it:
//
//   - Every exchange is a topic exchange: in the key of a binding the words "*"
//     and "#" stand for any one and any number of words.
//   - An exclusive queue goes with its connection.
//   - A queue is first in, first out. Consumers compete: they take turns, each
//     up to its prefetch. The newest consumer of an Owned queue goes
//     before all older ones.
//   - A message that is requeued, or was not settled when its connection ended,
//     returns to its original place in the queue with the redelivered mark.
//     What the transport took but had not yet passed to the consumer returns
//     without the mark.
//   - A message that no queue is bound for is returned before anything else is
//     looked at.
//   - A message that expired is discarded when it is at the head of its queue.
//   - Queues are bounded; a message for a full queue is refused, or, where the
//     queue was declared with a MaxLength, pushes out the oldest. As in RabbitMQ
//     only the messages that wait count, not those delivered and unsettled.
//   - A queue that exists is used as it is, whatever it is declared with.
//   - When the broker stops, classic queues and bindings stay but messages in
//     them are lost, since they are not persistent; quorum queues keep theirs.
//
// Differences: a queue with unsettled messages counts as not empty for Remove,
// and there is no delivery limit for quorum queues.
//
// # Faults
//
// Tests of faults use [Transport.Cut] (a connection breaks), [Transport.Sever]
// (it breaks for a while), [Broker.Stop] and [Broker.Start] (the broker is
// down), and [Broker.Block] (the broker is short of memory and takes no
// messages).
//
// # Inside
//
// Locks are taken in the order Transport.mu, Broker.mu, queue.mu; no callback
// (done, deliver, a watcher) is called with one held. A consumer has one
// goroutine, which ends with its connection; nothing polls.
//
// What each file is about:
//
//	broker.go        Broker, its configuration and faults
//	topology.go      the broker's queues and exchanges: declare, remove, publish
//	exchange.go      bindings and routing
//	topic.go         topic patterns
//	queue.go         a queue: accepting, dispatching, settling
//	backlog.go       the waiting messages of a queue in their order
//	expiry.go        messages that expire, queues that expire
//	message.go       a message in a queue, and settling it
//	subscription.go  a consumer as the broker sees it, for one connection
//	transport.go     Transport: publish and close
//	connection.go    connecting, losing the connection, blocking
//	held.go          messages that wait for the connection
//	consumer.go      Consume, Stop and Remove
//	watch.go         telling watchers about states
package memory
