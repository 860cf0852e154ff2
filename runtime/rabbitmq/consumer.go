package rabbitmq

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"

	"github.com/mqrpc/mqrpc/runtime/transport"
)

// consumer is one queue that is consumed, over all connections of its
// transport.
type consumer struct {
	transport *Transport
	queue     transport.Queue
	deliver   func(*transport.Delivery)
	tag       string

	// first gets the outcome of the first try that is final: nil, or why
	// trying again cannot help.
	first chan error

	delivering sync.Mutex // held while deliver runs

	stopped chan struct{} // closed by Stop
	stop    sync.Once

	mu          sync.Mutex
	channel     *amqp.Channel // the one that delivers now; nil for none
	established bool
	loops       sync.WaitGroup // one loop for each connection
}

// follow consumes the queue for as long as the link lives. When only the
// channel ends, for example because somebody deleted the queue, it begins anew.
// It calls tried after the first try, whatever came of it.
func (c *consumer) follow(l *link, tried func()) {
	defer tried()
	retry := newBackoff(c.transport.config.MaxBackoff)
	for l.alive() && !c.isStopped() {
		began := time.Now()
		err := c.consume(l, tried)
		if c.isStopped() || !l.alive() || c.abandon(err) {
			return
		}
		tried()
		c.log().Warn("consuming a queue ended; consuming it again", slog.Any("error", err))
		if time.Since(began) > c.transport.config.MaxBackoff {
			retry.Reset()
		}
		select {
		case <-l.ended:
		case <-c.stopped:
		case <-time.After(retry.NextBackOff()):
		}
	}
}

// abandon reports a failure of the very first try to Consume's caller, if
// trying again cannot help, and removes the consumer.
func (c *consumer) abandon(err error) bool {
	c.mu.Lock()
	established := c.established
	c.mu.Unlock()
	if established || !final(err) {
		return false
	}
	c.transport.forget(c)
	select {
	case c.first <- err:
	default:
	}
	return true
}

// final reports whether the broker refused for a reason that stays.
func final(err error) bool {
	var refusal *amqp.Error
	if !errors.As(err, &refusal) {
		return false
	}
	switch refusal.Code {
	case amqp.AccessRefused, amqp.NotAllowed, amqp.ResourceLocked, amqp.CommandInvalid:
		return true
	}
	return false
}

// consume makes sure that the queue exists and delivers its messages until the channel ends.
func (c *consumer) consume(l *link, subscribed func()) error {
	if err := declareQueue(l.connection, &c.queue); err != nil {
		return fmt.Errorf("declare the queue: %w", err)
	}
	channel, err := l.connection.Channel()
	if err != nil {
		return fmt.Errorf("open a channel: %w", err)
	}
	messages, err := c.subscribe(channel, l.number)
	if err != nil {
		_ = channel.Close() // a refusal has closed it already
		return err
	}
	closed := channel.NotifyClose(make(chan *amqp.Error, 1))
	c.setChannel(channel)
	subscribed()
	if c.isStopped() { // Stop came before there was a channel to cancel
		_ = channel.Cancel(c.tag, false)
	}
	source := newSource(channel)
	for message := range messages {
		c.delivering.Lock() // the last connection's loop may be at its last message
		c.deliver(c.delivery(l, source, &message))
		c.delivering.Unlock()
	}
	if c.isStopped() {
		source.letGo() // the channel stays open for what is not settled yet
		return nil
	}
	c.setChannel(nil)
	select {
	case cause := <-closed:
		return closeError("the channel ended", cause)
	default:
		_ = channel.Close()
		return errors.New("the broker cancelled the consumer: the queue was deleted or its node failed")
	}
}

func (c *consumer) subscribe(channel *amqp.Channel, priority int) (<-chan amqp.Delivery, error) {
	if c.queue.Prefetch > 0 {
		if err := channel.Qos(c.queue.Prefetch, 0, false); err != nil {
			return nil, fmt.Errorf("limit the prefetch: %w", err)
		}
	}
	const noWait = false
	for _, binding := range c.queue.Bindings {
		if err := channel.QueueBind(c.queue.Name, binding.Key, binding.Exchange, noWait, nil); err != nil {
			return nil, fmt.Errorf("bind the queue to %s with %s: %w", binding.Exchange, binding.Key, err)
		}
	}
	var arguments amqp.Table
	if c.queue.Owned {
		arguments = amqp.Table{"x-priority": int32(priority)} //nolint:gosec // a count of connections
	}
	const autoAck, exclusive, noLocal = false, false, false
	messages, err := channel.Consume(c.queue.Name, c.tag, autoAck, exclusive, noLocal, noWait, arguments)
	if err != nil {
		return nil, fmt.Errorf("consume the queue: %w", err)
	}
	return messages, nil
}

func (c *consumer) setChannel(channel *amqp.Channel) {
	c.mu.Lock()
	c.channel = channel
	first := channel != nil && !c.established
	if first {
		c.established = true
	}
	c.mu.Unlock()
	if first {
		c.first <- nil
	}
}

func (c *consumer) delivery(l *link, from *source, message *amqp.Delivery) *transport.Delivery {
	from.holds.Add(1)
	return &transport.Delivery{
		Body:        message.Body,
		Exchange:    message.Exchange,
		RoutingKey:  message.RoutingKey,
		Type:        message.Type,
		ReplyTo:     message.ReplyTo,
		UserID:      message.UserId,
		Redelivered: message.Redelivered,
		Received:    time.Now(),
		Settle:      &settler{link: l, prefetch: c.queue.Prefetch, from: from, tag: message.DeliveryTag},
	}
}

// settler settles one delivery.
type settler struct {
	link     *link
	prefetch int
	from     *source
	tag      uint64
}

func (s *settler) Ack() { s.settle(false) }

func (s *settler) Requeue() { s.settle(true) }

func (s *settler) settle(requeue bool) {
	s.link.settlements.add(settlement{from: s.from, tag: s.tag, requeue: requeue}, s.prefetch)
}

// Stop implements [transport.Consumer].
func (c *consumer) Stop(ctx context.Context) error {
	done := make(chan struct{})
	go func() {
		defer close(done)
		c.cancel()
		c.loops.Wait()
	}()
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("stop consuming the queue %s: %w", c.queue.Name, ctx.Err())
	}
}

// cancel tells the broker to deliver no more.
func (c *consumer) cancel() {
	c.stop.Do(func() { close(c.stopped) })
	c.transport.forget(c)
	c.mu.Lock()
	channel := c.channel
	c.mu.Unlock()
	if channel != nil {
		_ = channel.Cancel(c.tag, false) // it fails only if the channel has ended
	}
}

// Remove implements [transport.Consumer].
func (c *consumer) Remove(ctx context.Context) (bool, error) {
	if c.queue.Quorum {
		return false, nil // RabbitMQ cannot delete these on conditions
	}
	l := c.transport.currentLink()
	if l == nil {
		return false, fmt.Errorf("remove the queue %s: %w", c.queue.Name, transport.ErrDisconnected)
	}
	type outcome struct {
		removed bool
		err     error
	}
	done := make(chan outcome, 1)
	go func() {
		l.settlements.write() // else the queue may seem empty and is not
		removed, err := c.remove(l)
		done <- outcome{removed, err}
	}()
	select {
	case o := <-done:
		return o.removed, o.err
	case <-ctx.Done():
		return false, fmt.Errorf("remove the queue %s: %w", c.queue.Name, ctx.Err())
	}
}

func (c *consumer) remove(l *link) (bool, error) {
	channel, err := l.connection.Channel()
	if err != nil {
		return false, fmt.Errorf("open a channel: %w", err)
	}
	defer func() { _ = channel.Close() }() // a refusal has closed it already
	const ifUnused, ifEmpty, noWait = true, true, false
	_, err = channel.QueueDelete(c.queue.Name, ifUnused, ifEmpty, noWait)
	var refusal *amqp.Error
	if errors.As(err, &refusal) && refusal.Code == amqp.PreconditionFailed {
		return false, nil // in use, or not empty
	}
	return err == nil, err
}

func (c *consumer) isStopped() bool {
	select {
	case <-c.stopped:
		return true
	default:
		return false
	}
}

func (c *consumer) log() *slog.Logger {
	return c.transport.log.With(slog.String("queue", c.queue.Name))
}
