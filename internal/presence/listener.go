// Package presence hears which instances serve which APIs, from the claims and
// heartbeats of workers. Both are hints, and strangers' bytes: whoever listens
// bounds what it keeps.
package presence

import (
	"context"
	"crypto/rand"
	"log/slog"
	"strings"
	"sync"
	"time"

	mqrpcv1 "github.com/mqrpc/mqrpc/proto/mqrpc/v1"
	"github.com/mqrpc/mqrpc/runtime/transport"
	"github.com/mqrpc/mqrpc/wire"
)

// Config says what a [Listener] listens to.
type Config struct {
	// Transport carries the messages. The listener does not close it.
	Transport transport.Transport
	// Heard is called with every claim, one at a time; it must not block. The
	// part of a heartbeat that speaks of one API comes as a claim, too, which then
	// lacks what heartbeats do not say: whole is false.
	Heard func(claim *mqrpcv1.Claim, whole bool)
	// Malformed is called for every message that is none, if it is set.
	Malformed func(error)
	// Failed is called with the reason each time that nothing can be heard; the
	// listener tries again unless the transport is closed. Default: it is logged.
	Failed func(error)
}

// Listener hears claims and heartbeats until it is closed. It asks all instances
// for their claims when it begins, and after every reconnect.
type Listener struct {
	config    Config
	name      string        // the client that answers go to
	listening chan struct{} // closed when the queue is consumed for the first time
	cancel    context.CancelFunc
	work      sync.WaitGroup
}

const (
	// queueLength bounds what waits in a listener queue.
	queueLength = 10_000
	// prefetch bounds what waits in this process.
	prefetch = 256
	// stopTimeout bounds the farewell to the broker.
	stopTimeout = 2 * time.Second
)

// Listen begins to listen. It does not wait for the broker.
func Listen(config Config) *Listener {
	if config.Failed == nil {
		config.Failed = func(err error) {
			slog.Warn("cannot hear which instances serve which APIs; trying again", slog.Any("error", err))
		}
	}
	if config.Malformed == nil {
		config.Malformed = func(error) {}
	}
	ctx, cancel := context.WithCancel(context.Background())
	l := &Listener{
		config: config, name: "listener-" + strings.ToLower(rand.Text()),
		listening: make(chan struct{}), cancel: cancel,
	}
	l.work.Go(func() { l.run(ctx) })
	return l
}

// Listening is closed when claims are heard for the first time.
func (l *Listener) Listening() <-chan struct{} { return l.listening }

// Close stops listening.
func (l *Listener) Close() {
	l.cancel()
	l.work.Wait()
}

// run consumes the queue, and asks for claims as often as there is a new
// connection.
func (l *Listener) run(ctx context.Context) {
	consumer, err := transport.ConsumePersistently(ctx, l.config.Transport, l.queue(), l.deliver, l.config.Failed)
	if err != nil {
		return
	}
	close(l.listening)
	l.askAfterEachConnect(ctx)
	stop(consumer)
}

// stop ends the consumer and deletes its queue, which else goes with the
// connection.
func stop(consumer transport.Consumer) {
	ctx, cancel := context.WithTimeout(context.Background(), stopTimeout)
	defer cancel()
	if consumer.Stop(ctx) == nil {
		_, _ = consumer.Remove(ctx)
	}
}

func (l *Listener) queue() transport.Queue {
	return transport.Queue{
		Name: wire.ListenerQueue(l.name),
		Bindings: []transport.Binding{
			{Exchange: wire.AnnouncementsExchange, Key: "#"},
			{Exchange: wire.RepliesExchange, Key: wire.ReplyPattern(l.name)},
		},
		Exclusive: true,
		MaxLength: queueLength,
		Prefetch:  prefetch,
	}
}

// askAfterEachConnect asks until ctx ends.
func (l *Listener) askAfterEachConnect(ctx context.Context) {
	connected, unwatch := transport.Connects(l.config.Transport, 0)
	defer unwatch()
	for {
		select {
		case <-connected:
			l.ask()
		case <-ctx.Done():
			return
		}
	}
}

// ask asks all instances for their claims. That nobody is there is an answer.
func (l *Listener) ask() {
	l.config.Transport.Publish(transport.Publishing{
		Exchange:   wire.ControlExchange,
		RoutingKey: wire.DiscoverAllKey,
		Type:       wire.TypeDiscover,
		ReplyTo:    l.name,
		Deadline:   time.Now().Add(stopTimeout),
	}, func(error) {})
}

func (l *Listener) deliver(delivery *transport.Delivery) {
	defer delivery.Settle.Ack()
	apiKey := delivery.RoutingKey
	if delivery.Exchange == wire.RepliesExchange {
		answered, err := wire.AnsweredAPI(apiKey, l.name)
		if err != nil {
			l.config.Malformed(err)
			return
		}
		apiKey = answered
	}
	switch delivery.Type {
	case wire.TypeClaim:
		claim, err := wire.DecodeClaim(delivery.Body, apiKey)
		if err != nil {
			l.config.Malformed(err)
			return
		}
		l.config.Heard(claim, true)
	case wire.TypeHeartbeat:
		beat, err := wire.DecodeHeartbeat(delivery.Body, apiKey)
		if err != nil {
			l.config.Malformed(err)
			return
		}
		for _, served := range beat.GetVersions() {
			l.config.Heard(claimOf(beat, served), false)
		}
	}
}

func claimOf(beat *mqrpcv1.Heartbeat, served *mqrpcv1.HeartbeatVersion) *mqrpcv1.Claim {
	return &mqrpcv1.Claim{
		Module: beat.GetModule(), Version: served.GetVersion(), Revision: served.GetRevision(),
		Instance: beat.GetInstance(), ValidFor: beat.GetValidFor(), Refused: served.GetRefused(),
		Running: served.GetRunning(), Waiting: served.GetWaiting(), Answered: served.GetAnswered(),
	}
}
