package rabbitmq

import (
	"errors"
	"fmt"

	amqp "github.com/rabbitmq/amqp091-go"

	"github.com/mqrpc/mqrpc/runtime"
)

// What exists is used as it is, and only what does not exist is declared: so a
// process works whose account may not configure what others have made. A broker
// answers a question for what does not exist by closing the channel, so each
// question has a channel of its own.

// declareExchange makes sure that one of PROTOCOL.md's exchanges exists.
func declareExchange(connection *amqp.Connection, name string) error {
	const durable, autoDelete, internal, noWait = true, false, false, false
	return orDeclare(connection,
		func(channel *amqp.Channel) error {
			return channel.ExchangeDeclarePassive(name, amqp.ExchangeTopic, durable, autoDelete, internal, noWait, nil)
		},
		func(channel *amqp.Channel) error {
			return channel.ExchangeDeclare(name, amqp.ExchangeTopic, durable, autoDelete, internal, noWait, nil)
		})
}

// declareQueue makes sure that a queue exists.
func declareQueue(connection *amqp.Connection, queue *runtime.Queue) error {
	const autoDelete, noWait = false, false
	durable, exclusive := !queue.Exclusive, queue.Exclusive
	arguments := queueArguments(queue)
	declare := func(channel *amqp.Channel) error {
		_, err := channel.QueueDeclare(queue.Name, durable, autoDelete, exclusive, noWait, arguments)
		return err
	}
	if queue.Exclusive { // nobody else can have made it
		return onChannel(connection, declare)
	}
	return orDeclare(connection, func(channel *amqp.Channel) error {
		_, err := channel.QueueDeclarePassive(queue.Name, durable, autoDelete, exclusive, noWait, arguments)
		return err
	}, declare)
}

// orDeclare asks whether something exists, and declares it if not.
func orDeclare(connection *amqp.Connection, ask, declare func(*amqp.Channel) error) error {
	err := onChannel(connection, ask)
	var refusal *amqp.Error
	if errors.As(err, &refusal) && refusal.Code == amqp.NotFound {
		return onChannel(connection, declare)
	}
	return err
}

// onChannel does something on a channel of its own.
func onChannel(connection *amqp.Connection, do func(*amqp.Channel) error) error {
	channel, err := connection.Channel()
	if err != nil {
		return fmt.Errorf("open a channel: %w", err)
	}
	defer func() { _ = channel.Close() }() // a refusal has closed it already
	return do(channel)
}

// queueArguments are the arguments of PROTOCOL.md section 2.
func queueArguments(queue *runtime.Queue) amqp.Table {
	arguments := amqp.Table{amqp.QueueTypeArg: amqp.QueueTypeClassic}
	if queue.Quorum {
		arguments[amqp.QueueTypeArg] = amqp.QueueTypeQuorum
	}
	if queue.Expires > 0 {
		arguments[amqp.QueueTTLArg] = queue.Expires.Milliseconds()
	}
	if queue.MaxLength > 0 {
		arguments[amqp.QueueMaxLenArg] = int64(queue.MaxLength)
		arguments[amqp.QueueOverflowArg] = "drop-head"
	}
	return arguments
}
