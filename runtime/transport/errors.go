package transport

import "errors"

// Errors, given to the done function of [Transport.Publish].
var (
	// ErrNoQueue: the broker routed the message to no queue. It was not
	// delivered to anybody.
	ErrNoQueue = errors.New("no queue is bound for the message")
	// ErrRefused: the broker refused the message, for example because a queue is
	// full. Of several queues others may have taken it.
	ErrRefused = errors.New("the broker refused the message")
	// ErrDisconnected: there is no connection to the broker. The message was
	// not sent.
	ErrDisconnected = errors.New("not connected to the broker")
	// ErrBlocked: the broker takes no messages now, because it is short of
	// memory or disk. The message was not sent; where the error wraps ErrLost,
	// too, it was, and may have been delivered or be delivered later.
	ErrBlocked = errors.New("the broker blocks publishers (it is short of memory or disk)")
	// ErrLost: the connection broke before the broker confirmed the message, and
	// has done so several times for one that is sent again.
	// It may or may not have been delivered.
	ErrLost = errors.New("the connection broke before the broker confirmed the message")
	// ErrExpired: the message's deadline passed before it could be sent.
	ErrExpired = errors.New("the deadline passed before the message could be sent")
	// ErrBacklog: too many messages wait to be sent. The message was not sent.
	ErrBacklog = errors.New("too many messages wait to be sent to the broker")
	// ErrClosed: the transport is closed.
	ErrClosed = errors.New("the transport is closed")
)
