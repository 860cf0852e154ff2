// Package transport is the interface between clients and workers, in package
// runtime, and what carries their messages. Its meaning is AMQP's, as the contract
// suite transporttest checks it: RabbitMQ in production (runtime/rabbitmq), memory
// in tests and in a single process (runtime/memory).
package transport

import (
	"context"
	"time"
)

// Transport carries messages between processes.
//
// A transport keeps itself connected: it reconnects for ever, declares anew
// what it needs, and consumes again what was consumed. It is safe for
// concurrent use and may serve several clients and workers.
type Transport interface {
	// Publish takes a message for sending and returns at once. It calls done
	// exactly once, from any goroutine: with nil when the broker has taken
	// responsibility for the message, else with one of this package's errors.
	// done must not block. The message's body belongs to the transport until then.
	Publish(message Publishing, done func(error))

	// Consume declares a queue unless it exists, binds it, and delivers its
	// messages one after the other; deliver must not block for long. A queue that
	// exists is used as it is, whatever its arguments. Consume returns when the
	// broker has agreed for the first time. Until then it waits for a lost
	// connection as long as ctx lasts, and fails at once where waiting cannot
	// help, for example when the account has no right to the queue.
	Consume(ctx context.Context, queue Queue, deliver func(*Delivery)) (Consumer, error)

	// User is the account whose name every message carries as its user-id, which
	// the broker has checked. Empty: the transport cannot know it.
	User() string

	// State is the state of the connection now.
	State() State

	// Watch calls changed with the state now, before it returns, and after every
	// change, one call at a time, until stop is called. changed must not block,
	// nor call Watch or stop.
	Watch(changed func(State)) (stop func())

	// Close ends the connection after the messages and settlements already taken
	// have been sent, or when ctx ends. What is not acknowledged by then is
	// delivered again to others. It ends every consumer; the state is then not
	// connected for good. It must not be called from a deliver function.
	Close(ctx context.Context) error
}

// Publishing is a message on its way out.
type Publishing struct {
	// Exchange and RoutingKey say where the message goes.
	Exchange, RoutingKey string
	// Type is the AMQP type property: the kind of the message.
	Type string
	// ReplyTo is the client that wants replies, empty for none.
	ReplyTo string
	// Body is the message.
	Body []byte
	// Expiration is how long the message may wait in a queue before the broker
	// discards it. Zero: for ever.
	Expiration time.Duration
	// Deadline is when it becomes useless to send the message at all. Zero:
	// never.
	Deadline time.Time
	// Retry keeps the message through an outage or a block, until its deadline,
	// and sends it again if the connection breaks before the broker confirms
	// it: it may arrive twice. Without Retry the message fails once an outage is
	// longer than the transport's grace, at once while the broker blocks
	// publishers, and with [ErrLost] when nobody knows whether it has arrived.
	Retry bool
}

// Binding binds a queue to a topic exchange.
type Binding struct {
	// Exchange is the exchange, and Key the routing key or pattern: "*" stands for
	// one word, "#" for any number.
	Exchange, Key string
}

// Queue says what to declare and consume.
type Queue struct {
	// Name is the queue's name.
	Name string
	// Bindings are what the queue is bound to.
	Bindings []Binding
	// Exclusive makes it a queue of this connection alone: not durable, gone with
	// the connection, and declared again after a reconnect.
	Exclusive bool
	// Quorum makes it a replicated quorum queue instead of a classic one.
	Quorum bool
	// Expires is how long the queue outlives its last consumer. Zero: for ever.
	Expires time.Duration
	// MaxLength is the greatest number of messages that wait in the queue; one
	// more pushes out the oldest. Zero: no such limit.
	MaxLength int
	// Prefetch is the greatest number of messages that may be delivered and not
	// yet settled. Zero: no limit.
	Prefetch int
	// Owned marks a queue that one process consumes: after a reconnect its
	// messages go to the newest consumer only, even while the broker still takes the broken
	// connection's consumer for alive.
	Owned bool
}

// Consumer is a running [Transport.Consume].
type Consumer interface {
	// Stop ends the delivery of messages. When it returns without an error, no
	// further ones come. Those delivered before can still be settled. It must
	// not be called from the consumer's deliver function.
	Stop(ctx context.Context) error
	// Remove deletes the queue if it is empty and nobody else consumes it, and
	// reports whether it did. It is called after Stop. Quorum queues are never
	// removed.
	Remove(ctx context.Context) (bool, error)
}

// Delivery is a message that has arrived. Exactly one of its methods must be
// called, once; they never block, and do nothing when the connection that
// delivered it has gone, since the broker then delivers it again by itself.
type Delivery struct {
	// Body is the message. It belongs to the receiver.
	Body []byte
	// Exchange and RoutingKey are what it was published with.
	Exchange, RoutingKey string
	// Type is the kind of the message, ReplyTo the client that wants replies.
	Type, ReplyTo string
	// UserID is the account that sent it, as the broker has checked; empty if the
	// message does not say.
	UserID string
	// Redelivered is set when the message was delivered before and not settled.
	Redelivered bool
	// Received is when it arrived in this process.
	Received time.Time
	// Settle tells the broker what has become of the message.
	Settle Settler
}

// Settler tells the broker what has become of a delivery.
type Settler interface {
	// Ack removes the message from its queue.
	Ack()
	// Requeue puts the message back to the head of its queue, marked as
	// redelivered, for another consumer or this one.
	Requeue()
}

// State is the state of a transport's connection.
type State struct {
	// Connected is true while there is a connection, with everything declared.
	Connected bool
	// Blocked is true while the broker takes no messages.
	Blocked bool
	// Since is when this state began.
	Since time.Time
	// Connects counts the connections made so far. It differs before and after
	// every reconnect.
	Connects int
	// Err is why there is no connection; nil while there is one.
	Err error
}
