package rabbitmq

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net"
	"sync"
	"time"

	"github.com/cenkalti/backoff/v5"
	amqp "github.com/rabbitmq/amqp091-go"

	"github.com/mqrpc/mqrpc/runtime/transport"
)

// newBackoff begins at a tenth of the longest wait and spreads each wait by a
// half to both sides, but never beyond the longest.
func newBackoff(longest time.Duration) *backoff.ExponentialBackOff {
	b := backoff.NewExponentialBackOff()
	b.RandomizationFactor = 0.5
	b.Multiplier = 1.7
	b.InitialInterval = longest / 10
	b.MaxInterval = time.Duration(float64(longest) / (1 + b.RandomizationFactor))
	b.Reset()
	return b
}

// keepConnected makes one connection after the other until the transport is
// closed.
func (t *Transport) keepConnected() {
	retry := newBackoff(t.config.MaxBackoff)
	next := rand.IntN(len(t.addresses)) //nolint:gosec // spreads load, guards nothing
	for t.ctx.Err() == nil {
		l, address, err := t.dialAny(&next)
		if err == nil {
			retry.Reset()
			err = t.serve(l, address)
		}
		if t.ctx.Err() != nil {
			return
		}
		t.reportLoss(err)
		select {
		case <-t.ctx.Done():
		case <-time.After(retry.NextBackOff()):
		}
	}
}

// dialAny tries every address once, beginning with *next, and leaves *next at
// the one after the last that it tried.
func (t *Transport) dialAny(next *int) (*link, address, error) {
	var err error
	for range t.addresses {
		address := t.addresses[*next]
		*next = (*next + 1) % len(t.addresses)
		var l *link
		if l, err = t.dial(address); err == nil {
			return l, address, nil
		}
		err = fmt.Errorf("connect to %s: %w", address.readable, err)
		if t.ctx.Err() != nil {
			break
		}
	}
	return nil, address{}, err
}

func (t *Transport) dial(address address) (*link, error) {
	properties := amqp.NewConnectionProperties()
	properties.SetClientConnectionName(t.config.Name)
	var socket *bufferedConn
	config := amqp.Config{
		Heartbeat:  t.config.Heartbeat,
		Properties: properties,
		Dial: func(network, address string) (net.Conn, error) {
			connection, err := t.dialTCP(network, address)
			socket = newBufferedConn(connection)
			return socket, err
		},
	}
	if t.config.TLS != nil {
		config.TLSClientConfig = t.config.TLS.Clone() // amqp091 writes the host name into it
	}
	connection, err := amqp.DialConfig(address.url, config)
	if err != nil {
		return nil, withoutURL(err)
	}
	t.mu.Lock()
	t.links++
	number := t.links
	t.mu.Unlock()
	giveUp := time.AfterFunc(t.config.DialTimeout, func() { _ = connection.CloseDeadline(time.Now()) })
	defer giveUp.Stop()
	l, err := openLink(connection, socket, address.user, number, t.outbox)
	if err != nil {
		_ = connection.CloseDeadline(time.Now().Add(closeTimeout)) // the first error counts
		return nil, err
	}
	return l, nil
}

func (t *Transport) dialTCP(network, addr string) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(t.ctx, t.config.DialTimeout)
	defer cancel()
	connection, err := (&net.Dialer{}).DialContext(ctx, network, addr)
	if err != nil {
		return nil, err
	}
	// The deadline is for the handshakes; amqp091 lifts it after them.
	return connection, connection.SetDeadline(time.Now().Add(t.config.DialTimeout))
}

// serve uses a link until it ends, and returns why it did.
func (t *Transport) serve(l *link, address address) error {
	t.resumeConsumers(l)
	if t.ctx.Err() != nil { // Close came before it could see the link
		l.close()
	}
	t.log.Info("connected to RabbitMQ", slog.String("broker", address.readable))
	t.outbox.connected()
	t.setState(transport.State{Connected: true, Connects: l.number})

	err := l.run(func(blocking amqp.Blocking) { t.reportBlock(l, blocking) })

	t.mu.Lock()
	t.link = nil
	t.mu.Unlock()
	t.outbox.disconnected()
	return err
}

// resumeTimeout bounds the wait for a queue that the broker does not give back,
// for example a quorum queue without a leader.
const resumeTimeout = 5 * time.Second

// resumeConsumers consumes on the new link what was consumed on the last one,
// and waits for the queues that nobody else consumes: a call must not be sent
// before its reply can arrive, nor may a listener believe that it hears. One
// queue in trouble does not hold up the others.
func (t *Transport) resumeConsumers(l *link) {
	timeout := time.After(resumeTimeout)
	for _, tried := range t.followAll(l) {
		select {
		case <-tried:
		case <-timeout:
			return
		}
	}
}

// followAll makes every consumer follow the link, and returns the channels that
// tell when the queues with one owner have been tried.
func (t *Transport) followAll(l *link) []chan struct{} {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.link = l
	var awaited []chan struct{}
	for c := range t.consumers {
		tried := make(chan struct{})
		c.loops.Go(func() { c.follow(l, sync.OnceFunc(func() { close(tried) })) })
		if c.queue.Owned || c.queue.Exclusive {
			awaited = append(awaited, tried)
		}
	}
	return awaited
}

func (t *Transport) reportBlock(l *link, blocking amqp.Blocking) {
	if blocking.Active {
		t.log.Warn("RabbitMQ blocks publishers; calls fail until it stops", slog.String("reason", blocking.Reason))
	} else {
		t.log.Info("RabbitMQ takes messages again")
	}
	t.outbox.setBlocked(blocking.Active)
	t.setState(transport.State{Connected: true, Blocked: blocking.Active, Connects: l.number})
}

// reportLoss tells why there is no connection, once for each reason.
func (t *Transport) reportLoss(err error) {
	err = fmt.Errorf("%w: %w", transport.ErrDisconnected, err)
	state := t.State()
	if state.Err != nil && state.Err.Error() == err.Error() {
		return
	}
	t.log.Warn("no connection to RabbitMQ; trying again until there is one", slog.Any("error", err))
	t.setState(transport.State{Connects: state.Connects, Err: err})
}
