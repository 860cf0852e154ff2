package rabbitmq

import (
	"bytes"
	"fmt"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"

	"github.com/mqrpc/mqrpc/internal/fifo"
	"github.com/mqrpc/mqrpc/runtime"
)

// Lone messages go over a channel without publisher confirms: with one message
// at a time, confirming costs the broker and both sides a third of the whole way.
// The broker deals with what comes over a channel in its order, so an answer to
// anything later, the fence, tells that it has routed or returned all messages
// before. One fence serves for many messages.
const (
	// fenceDelay is how long a lone message waits for its fence.
	fenceDelay = 10 * time.Millisecond
	// maxUnfenced is the number of lone messages that are not waited with.
	maxUnfenced = 64
)

// loneChannel is the channel of one connection.
type loneChannel struct {
	channel *amqp.Channel
	outbox  *outbox
	returns chan amqp.Return
	failed  chan *amqp.Error // the channel ended
	// fenced gets how many messages the broker has dealt with.
	fenced chan uint64
}

func openLoneChannel(connection *amqp.Connection, out *outbox) (*loneChannel, error) {
	channel, err := connection.Channel()
	if err != nil {
		return nil, fmt.Errorf("open a channel for lone messages: %w", err)
	}
	return &loneChannel{
		channel: channel,
		outbox:  out,
		returns: channel.NotifyReturn(make(chan amqp.Return, notifyCapacity)),
		failed:  channel.NotifyClose(make(chan *amqp.Error, 1)),
		fenced:  make(chan uint64),
	}, nil
}

func (c *loneChannel) publish(message *runtime.Publishing, publishing *amqp.Publishing) error {
	err := publish(c.channel, message.Exchange, message.RoutingKey, publishing)
	c.outbox.wroteLone()
	return err
}

// fence sends a fence if messages wait for one, and may wait for its answer. Its
// caller holds link.writing: a message is several frames, and nothing may come
// between them.
func (c *loneChannel) fence(ended <-chan struct{}) error {
	written := c.outbox.takeUnfenced()
	if written == 0 {
		return nil
	}
	if err := answered(c.channel); err != nil {
		return err
	}
	select {
	case c.fenced <- written:
	case <-ended:
	}
	return nil
}

// answered returns when the broker has dealt with all that was sent before.
func answered(channel *amqp.Channel) error {
	// It asks for what is so already.
	const prefetchCount, prefetchSize, global = 0, 0, false
	return channel.Qos(prefetchCount, prefetchSize, global)
}

// settle tells the outbox the fate of the messages, until the connection ends.
func (c *loneChannel) settle(ended <-chan struct{}) {
	for {
		select {
		case <-ended:
			return
		case message, ok := <-c.returns:
			if !ok {
				c.returns = nil
				continue
			}
			c.returned(message)
		case written := <-c.fenced:
			// The broker returns messages before it answers the fence.
			drain(c.returns, c.returned)
			c.outbox.fenced(written)
		}
	}
}

// returned takes what has come back, in the order in which it was sent.
func (c *loneChannel) returned(message amqp.Return) {
	c.outbox.returned(message.RoutingKey, message.Body)
}

// unfenced are the lone messages that were taken to be written and whose fate is
// not known yet, the oldest first. It is guarded by the outbox.
type unfenced struct {
	fifo.Queue[outgoing]

	// How many messages were written on this connection, how many of them before
	// the last fence, and how many are settled.
	written, asked, settled uint64

	fence errand
}

// reset is for a new connection.
func (u *unfenced) reset() {
	u.Replace(nil)
	u.written, u.asked, u.settled = 0, 0, 0
}

// wroteLone notes that the next of the lone messages is written.
func (o *outbox) wroteLone() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.lone.written++
	if o.lone.written-o.lone.asked >= maxUnfenced || o.closed {
		o.lone.fence.now()
	} else {
		o.lone.fence.soon()
	}
}

// takeUnfenced is the number of messages that were written when a fence is due
// for some of them, zero if none is.
func (o *outbox) takeUnfenced() uint64 {
	o.mu.Lock()
	defer o.mu.Unlock()
	if !o.lone.fence.take() || o.lone.settled == o.lone.written {
		return 0
	}
	o.lone.asked = o.lone.written
	return o.lone.written
}

// fenced settles the messages up to that number: the broker has taken them, or
// returned them before.
func (o *outbox) fenced(written uint64) {
	told := make(verdicts, 0, maxUnfenced)
	o.mu.Lock()
	for o.lone.settled < min(written, o.lone.written) {
		out := o.lone.Pop()
		told.add(&out, nil)
		o.lone.settled++
	}
	o.signalIdle()
	o.mu.Unlock()
	told.tell()
}

// returned tells a message that nobody is there. Any with this key and body will
// do: where there are several, all come back.
func (o *outbox) returned(key string, body []byte) {
	var told verdicts
	o.mu.Lock()
	for i := range o.lone.All() {
		if out := &o.lone.All()[i]; out.done != nil && out.RoutingKey == key && bytes.Equal(out.Body, body) {
			told.add(out, runtime.ErrNoQueue)
			break
		}
	}
	o.mu.Unlock()
	told.tell()
}
