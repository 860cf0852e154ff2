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

// amqpWay is how much is asked of the broker.
type amqpWay struct {
	// exchange is a durable topic exchange for calls and replies, "" for the
	// default one.
	exchange string
	// suffix follows the name of a reply queue in routing keys, and pattern takes
	// its place in the queue's binding.
	suffix, pattern string
	// confirmed has the broker confirm every message, and a call acknowledged when
	// its reply is confirmed. Replies are acknowledged, too.
	confirmed bool
	// mandatory has messages returned that have no queue.
	mandatory bool
	// expiration is how long calls may wait in the queue, in milliseconds; "" for
	// ever.
	expiration string
}

var (
	tutorial = amqpWay{}
	// safe is what mqrpc asks of the broker besides, with one message for each
	// call: taps can listen, no message is lost unnoticed, callers learn that
	// nobody is there, and calls that nobody waits for do not pile up.
	safe = amqpWay{
		exchange: "bench-amqp-topic", suffix: ".bench.1_0", pattern: ".*.*",
		confirmed: true, mandatory: true, expiration: "12000",
	}
)

// amqpSide is one connection with one channel.
type amqpSide struct {
	amqpWay

	connection *amqp.Connection
	channel    *amqp.Channel
}

func (w amqpWay) open(url string) (*amqpSide, error) {
	connection, err := amqp.Dial(url)
	if err != nil {
		return nil, err
	}
	channel, err := connection.Channel()
	if err != nil {
		return nil, errors.Join(err, connection.Close())
	}
	if w.exchange != "" {
		err = channel.ExchangeDeclare(w.exchange, amqp.ExchangeTopic, true, false, false, false, nil)
	}
	if w.confirmed {
		err = errors.Join(err, channel.Confirm(false))
	}
	if err != nil {
		return nil, errors.Join(err, connection.Close())
	}
	return &amqpSide{w, connection, channel}, nil
}

// bind has a queue get what is published with a key that the pattern matches.
func (s *amqpSide) bind(queue, pattern string) error {
	if s.exchange == "" {
		return nil // The default exchange knows all queues.
	}
	return s.channel.QueueBind(queue, pattern, s.exchange, false, nil)
}

// callQueue declares the queue of calls. It goes with its last consumer.
func (s *amqpSide) callQueue(config Config) (string, error) {
	arguments := amqp.Table{}
	if config.Quorum {
		arguments[amqp.QueueTypeArg] = amqp.QueueTypeQuorum
		arguments[amqp.QueueTTLArg] = 60_000 // a quorum queue cannot go with its last consumer
	}
	queue, err := s.channel.QueueDeclare("bench-amqp-"+config.Name, config.Quorum, !config.Quorum, false, false, arguments)
	if err != nil {
		return "", err
	}
	return queue.Name, s.bind(queue.Name, queue.Name)
}

func (w amqpWay) serve(ctx context.Context, config Config, ready func(string) error) error {
	side, err := w.open(config.Broker)
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
	reply := amqp.Publishing{CorrelationId: call.CorrelationId, Body: call.Body}
	confirmation, err := s.channel.PublishWithDeferredConfirm(s.exchange, call.ReplyTo, s.mandatory, false, reply)
	if err != nil || confirmation == nil {
		_ = call.Ack(false)
		return
	}
	go func() { // calls that follow need not wait
		confirmation.Wait()
		_ = call.Ack(false)
	}()
}

type amqpClient struct {
	*amqpSide

	calls, replies string // routing keys

	mu      sync.Mutex
	lastID  uint64
	waiting map[string]chan []byte
	closed  chan struct{} // closed when replies end
}

func (w amqpWay) dial(_ context.Context, config Config) (client, error) {
	side, err := w.open(config.Broker)
	if err != nil {
		return nil, err
	}
	replies, err := side.channel.QueueDeclare("", false, false, true, false, nil)
	if err != nil {
		return nil, err
	}
	if err := side.bind(replies.Name, replies.Name+w.pattern); err != nil {
		return nil, err
	}
	messages, err := side.channel.Consume(replies.Name, "", !w.confirmed, true, false, false, nil)
	if err != nil {
		return nil, err
	}
	c := &amqpClient{
		amqpSide: side, calls: "bench-amqp-" + config.Name, replies: replies.Name + w.suffix,
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
		if c.confirmed {
			_ = message.Ack(false)
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
	err := c.channel.PublishWithContext(ctx, c.exchange, c.calls, c.mandatory, false,
		amqp.Publishing{CorrelationId: id, ReplyTo: c.replies, Expiration: c.expiration, Body: payload})
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
