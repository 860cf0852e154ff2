// Package rabbitmq is the RabbitMQ transport of package runtime. It works with
// RabbitMQ 3.10 and later.
//
// A [Transport] has one AMQP connection with a channel for publishing, in confirm
// mode, and one for each consumer. It is made of
//
//   - config.go: its configuration and the brokers' addresses
//   - transport.go: what its users call
//   - connector.go: the loop that makes one connection after the other
//   - link.go: one connection, its writer and its confirms
//   - buffered.go: the network connection, written to in few pieces
//   - outbox.go: the messages between Publish and their outcome, which outlive
//     the connections
//   - settlements.go: the acknowledgements of one connection
//   - consumer.go: queues that are consumed, over all connections
//
// amqp091-go's own recovery is not used: a transport chooses among several
// brokers, begins within a tenth of a second, and must know which messages were
// confirmed before the connection broke.
package rabbitmq
