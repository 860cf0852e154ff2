package calls

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"sync"

	amqp "github.com/rabbitmq/amqp091-go"
)

// RPC as in RabbitMQ's tutorial six, on amqp091-go alone: one message for each
// call and each reply, an exclusive queue for replies that are consumed without
// acknowledgement, calls acknowledged by hand after their reply. For speed: one
// connection and channel on each side for ever, a prefetch of 256 instead of 1,
// one consumer of replies that finds the callers in a map, a goroutine for each
// call where calls take time to handle, and payloads as they are, with neither
// encoding nor deadline.
const amqpPrefetch = 256

// amqpSide is one connection with one channel.
type amqpSide struct {
	connection *amqp.Connection
	channel    *amqp.Channel
}

func openAMQP(url string) (*amqpSide, error) {
	connection, err := amqp.Dial(url)
	if err != nil {
		return nil, err
	}
	channel, err := connection.Channel()
	if err != nil {
		return nil, errors.Join(err, connection.Close())
	}
	return &amqpSide{connection, channel}, nil
}

// callQueue declares the queue of calls. It goes with its last consumer.
func (s *amqpSide) callQueue(config Config) (string, error) {
	arguments := amqp.Table{}
	if config.Quorum {
		arguments[amqp.QueueTypeArg] = amqp.QueueTypeQuorum
		arguments[amqp.QueueTTLArg] = 60_000 // a quorum queue cannot go with its last consumer
	}
	queue, err := s.channel.QueueDeclare("bench-amqp-"+config.Name, config.Quorum, !config.Quorum, false, false, arguments)
	return queue.Name, err
}

func serveAMQP(ctx context.Context, config Config, ready func(string) error) error {
	side, err := openAMQP(config.Broker)
	if err != nil {
		return err
	}
	defer side.connection.Close()
	queue, err := side.callQueue(config)
	if err != nil {
		return err
	}
	if err := side.channel.Qos(amqpPrefetch, 0, false); err != nil {
		return err
	}
	calls, err := side.channel.Consume(queue, "", false, false, false, false, nil)
	if err != nil {
		return err
	}
	if err := ready(""); err != nil {
		return err
	}
	for {
		select {
		case call, ok := <-calls:
			switch {
			case !ok:
				return errors.New("RabbitMQ has closed the channel")
			case config.Handler > 0:
				go side.answer(config, call)
			default:
				side.answer(config, call)
			}
		case <-ctx.Done():
			return nil
		}
	}
}

// answer handles a call. An error means that the channel is closed, which the
// loop learns too.
func (s *amqpSide) answer(config Config, call amqp.Delivery) {
	config.handle()
	_ = s.channel.Publish("", call.ReplyTo, false, false,
		amqp.Publishing{CorrelationId: call.CorrelationId, Body: call.Body})
	_ = call.Ack(false)
}

type amqpClient struct {
	*amqpSide

	calls, replies string // queues

	mu      sync.Mutex
	lastID  uint64
	waiting map[string]chan []byte
	closed  chan struct{} // closed when replies end
}

func dialAMQP(_ context.Context, config Config) (client, error) {
	side, err := openAMQP(config.Broker)
	if err != nil {
		return nil, err
	}
	replies, err := side.channel.QueueDeclare("", false, false, true, false, nil)
	if err != nil {
		return nil, err
	}
	messages, err := side.channel.Consume(replies.Name, "", true, true, false, false, nil)
	if err != nil {
		return nil, err
	}
	c := &amqpClient{
		amqpSide: side, calls: "bench-amqp-" + config.Name, replies: replies.Name,
		waiting: map[string]chan []byte{}, closed: make(chan struct{}),
	}
	go c.receive(messages)
	return c, nil
}

func (c *amqpClient) receive(messages <-chan amqp.Delivery) {
	defer close(c.closed)
	for message := range messages {
		c.mu.Lock()
		reply := c.waiting[message.CorrelationId]
		delete(c.waiting, message.CorrelationId)
		c.mu.Unlock()
		if reply != nil {
			reply <- message.Body
		}
	}
}

func (c *amqpClient) echo(ctx context.Context, payload []byte) ([]byte, error) {
	reply := make(chan []byte, 1)
	c.mu.Lock()
	c.lastID++
	id := strconv.FormatUint(c.lastID, 10)
	c.waiting[id] = reply
	c.mu.Unlock()
	err := c.channel.PublishWithContext(ctx, "", c.calls, false, false,
		amqp.Publishing{CorrelationId: id, ReplyTo: c.replies, Body: payload})
	if err != nil {
		return nil, err
	}
	select {
	case body := <-reply:
		return body, nil
	case <-c.closed:
		return nil, errors.New("RabbitMQ has closed the channel")
	case <-ctx.Done():
		return nil, fmt.Errorf("no reply: %w", context.Cause(ctx))
	}
}

func (c *amqpClient) close() error { return c.connection.Close() }
