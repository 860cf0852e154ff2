package catalog

import (
	"context"
	"crypto/rand"
	"strings"
	"time"

	"github.com/cenkalti/backoff/v5"
	"google.golang.org/protobuf/proto"

	"github.com/mqrpc/mqrpc/contract"
	mqrpcv1 "github.com/mqrpc/mqrpc/proto/mqrpc/v1"
	"github.com/mqrpc/mqrpc/runtime"
	"github.com/mqrpc/mqrpc/wire"
)

// The arguments of a listener's queue, see PROTOCOL.md section 2.
const (
	queueExpires   = time.Minute
	queueMaxLength = 10_000
	queuePrefetch  = 100
)

// farewell bounds the time for telling the broker that nobody listens any more.
const farewell = 2 * time.Second

// listen hears what workers announce until the catalog is closed.
func (c *Catalog) listen() {
	queue := runtime.Queue{
		Name:      wire.RegistryQueue(strings.ToLower(rand.Text())),
		Exchange:  wire.RegistryExchange,
		Expires:   queueExpires,
		MaxLength: queueMaxLength,
		Prefetch:  queuePrefetch,
		Latest:    true,
	}
	retry := backoff.NewExponentialBackOff()
	retry.InitialInterval, retry.MaxInterval = 100*time.Millisecond, 5*time.Second
	for {
		consumer, err := c.config.Transport.Consume(c.ctx, queue, c.deliver)
		if err == nil {
			close(c.listening)
			<-c.ctx.Done()
			stopListening(consumer)
			return
		}
		if c.ctx.Err() != nil {
			return
		}
		c.config.Logger.Warn("catalog: what workers announce cannot be heard; trying again", "error", err)
		select {
		case <-c.ctx.Done():
			return
		case <-time.After(retry.NextBackOff()):
		}
	}
}

// stopListening ends the consumer and removes its queue, which else expires.
func stopListening(consumer runtime.Consumer) {
	ctx, cancel := context.WithTimeout(context.Background(), farewell)
	defer cancel()
	if consumer.Stop(ctx) == nil {
		_, _ = consumer.Remove(ctx)
	}
}

// deliver takes a message from the queue.
func (c *Catalog) deliver(delivery *runtime.Delivery) {
	defer delivery.Settle.Ack()
	if delivery.Type != wire.TypeAnnouncement {
		return
	}
	announcement := &mqrpcv1.Announcement{}
	err := proto.Unmarshal(delivery.Body, announcement)
	key := contract.Key{Module: announcement.GetModule(), Version: announcement.GetVersion()}
	if err == nil {
		err = key.Check()
	}
	if err != nil {
		c.counters.malformed.Add(1)
		c.config.Logger.Warn("catalog: a message is no announcement, it is dropped", "error", err)
		return
	}
	c.hear(key, instanceOf(announcement), announcement.GetStopping())
}
