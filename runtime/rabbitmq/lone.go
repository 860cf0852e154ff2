package rabbitmq

import (
	"bytes"
	"fmt"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"

	"github.com/mqrpc/mqrpc/internal/fifo"
	"github.com/mqrpc/mqrpc/runtime"
	"github.com/mqrpc/mqrpc/wire"
)

// Lone messages go over a channel without publisher confirms: with one message
// at a time, confirming costs the broker and both sides a third of the whole way.
// The broker answers the methods of a channel in their order, so the answer to
// any later one, the fence, tells that it has routed or returned all messages
// before. One fence serves for many messages.
const (
	// fenceDelay is how long a lone message waits for its fence.
	fenceDelay = 10 * time.Millisecond
	// maxUnfenced is the number of lone messages that are not waited with.
	maxUnfenced = 64
)

// loneChannel is the channel of one connection.
type loneChannel struct {
	channel   *amqp.Channel
	outbox    *outbox
	shortcuts *shortcuts // nil: this user may not take them
	returns   chan amqp.Return
	failed    chan *amqp.Error // the channel ended
	// fenced gets how many more messages the broker has dealt with.
	fenced chan int
}

func openLoneChannel(connection *amqp.Connection, out *outbox) (*loneChannel, error) {
	shortcuts, err := openShortcuts(connection)
	if err != nil {
		return nil, fmt.Errorf("try the default exchange: %w", err)
	}
	channel, err := connection.Channel()
	if err != nil {
		return nil, fmt.Errorf("open a channel for lone messages: %w", err)
	}
	return &loneChannel{
		channel:   channel,
		outbox:    out,
		shortcuts: shortcuts,
		returns:   channel.NotifyReturn(make(chan amqp.Return, notifyCapacity)),
		failed:    channel.NotifyClose(make(chan *amqp.Error, 1)),
		fenced:    make(chan int),
	}, nil
}

func (c *loneChannel) publish(message *runtime.Publishing, publishing *amqp.Publishing) error {
	exchange := message.Exchange
	if c.shortcuts != nil {
		exchange = c.shortcuts.route(exchange, time.Now())
	}
	err := publish(c.channel, exchange, message.RoutingKey, publishing)
	c.outbox.wroteLone()
	return err
}

// fence waits for the broker, if messages wait for that. It is the writer's: a
// message is several frames, and nothing may come between them.
func (c *loneChannel) fence(ended <-chan struct{}) error {
	written := c.outbox.takeUnfenced()
	if written == 0 {
		return nil
	}
	if err := c.probe(); err != nil {
		return err
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

// probe asks whether taps listen.
func (c *loneChannel) probe() error {
	if c.shortcuts == nil {
		return nil
	}
	for _, exchange := range c.shortcuts.toProbe(time.Now()) {
		if err := probe(c.channel, exchange); err != nil {
			return err
		}
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
	note := func(message amqp.Return) {
		if message.Type == wire.TypeProbe {
			c.shortcuts.open(message.Exchange)
			return
		}
		c.outbox.returned(message.RoutingKey, message.Body)
	}
	for {
		select {
		case <-ended:
			return
		case message, ok := <-c.returns:
			if !ok {
				c.returns = nil
				continue
			}
			note(message)
		case written := <-c.fenced:
			// The broker returns messages before it answers the fence.
			drain(c.returns, note)
			c.outbox.fenced(written)
		}
	}
}

// unfenced are the lone messages that a connection's writer has taken and whose
// fate is not known yet, the oldest first. It is guarded by the outbox.
type unfenced struct {
	fifo.Queue[outgoing]

	written int // how many of them are written
	fence   errand
}

// reset is for a new connection.
func (u *unfenced) reset() {
	u.Replace(nil)
	u.written = 0
}

// wroteLone notes that the next of the lone messages is written.
func (o *outbox) wroteLone() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.lone.written++
	if o.lone.written >= maxUnfenced || o.closed {
		o.lone.fence.now()
	} else {
		o.lone.fence.soon()
	}
}

// takeUnfenced is the number of messages that a fence is due for, zero if none
// is.
func (o *outbox) takeUnfenced() int {
	o.mu.Lock()
	defer o.mu.Unlock()
	if !o.lone.fence.take() {
		return 0
	}
	return o.lone.written
}

// fenced settles the oldest messages: the broker has taken them, or returned
// them before.
func (o *outbox) fenced(written int) {
	told := make(verdicts, 0, written)
	o.mu.Lock()
	for range min(written, o.lone.written) {
		out := o.lone.Pop()
		told.add(&out, nil)
		o.lone.written--
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
