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

	"github.com/mqrpc/mqrpc/runtime"
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
	config := amqp.Config{
		Heartbeat:  t.config.Heartbeat,
		Properties: properties,
		Dial:       t.dialTCP,
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
	l, err := openLink(connection, number, t.outbox)
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
	t.setState(runtime.State{Connected: true, Connects: l.number})

	err := l.run(func(blocking amqp.Blocking) { t.reportBlock(l, blocking) })

	t.mu.Lock()
	t.link = nil
	t.mu.Unlock()
	t.outbox.disconnected()
	return err
}

// resumeConsumers consumes on the new link what was consumed on the last one,
// and waits until the queues are there: a call must not be sent before its
// reply can arrive.
func (t *Transport) resumeConsumers(l *link) {
	var subscribed sync.WaitGroup
	t.mu.Lock()
	t.link = l
	for c := range t.consumers {
		subscribed.Add(1)
		c.loops.Go(func() { c.follow(l, sync.OnceFunc(subscribed.Done)) })
	}
	t.mu.Unlock()
	subscribed.Wait()
}

func (t *Transport) reportBlock(l *link, blocking amqp.Blocking) {
	if blocking.Active {
		t.log.Warn("RabbitMQ blocks publishers; calls fail until it stops", slog.String("reason", blocking.Reason))
	} else {
		t.log.Info("RabbitMQ takes messages again")
	}
	t.outbox.setBlocked(blocking.Active)
	t.setState(runtime.State{Connected: true, Blocked: blocking.Active, Connects: l.number})
}

// reportLoss tells why there is no connection, once for each reason.
func (t *Transport) reportLoss(err error) {
	err = fmt.Errorf("%w: %w", runtime.ErrDisconnected, err)
	state := t.State()
	if state.Err != nil && state.Err.Error() == err.Error() {
		return
	}
	t.log.Warn("no connection to RabbitMQ; trying again until there is one", slog.Any("error", err))
	t.setState(runtime.State{Connects: state.Connects, Err: err})
}
