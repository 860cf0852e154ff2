package dynamic

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

// The arguments of a registry queue, see PROTOCOL.md section 2.
const (
	queueExpires   = time.Minute
	queueMaxLength = 10_000
	queuePrefetch  = 100
)

// farewell bounds the time for telling the broker that nobody listens any more.
const farewell = 2 * time.Second

// maxInstanceName bounds what is kept of an instance's names.
const maxInstanceName = 255

// listener hears the workers' announcements.
type listener struct {
	apis  *APIs
	ready chan struct{} // closed when it hears them for the first time
}

func newListener(a *APIs) *listener { return &listener{apis: a, ready: make(chan struct{})} }

// run listens until the APIs are closed.
func (l *listener) run() {
	ctx, config := l.apis.ctx, l.apis.config
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
		consumer, err := config.Transport.Consume(ctx, queue, l.deliver)
		if err == nil {
			close(l.ready)
			<-ctx.Done()
			l.stop(consumer)
			return
		}
		if ctx.Err() != nil {
			return
		}
		config.Logger.Warn("dynamic: the workers' announcements cannot be heard; trying again", "error", err)
		select {
		case <-ctx.Done():
			return
		case <-time.After(retry.NextBackOff()):
		}
	}
}

// stop ends the consumer and removes its queue, which else expires.
func (l *listener) stop(consumer runtime.Consumer) {
	ctx, cancel := context.WithTimeout(context.Background(), farewell)
	defer cancel()
	if consumer.Stop(ctx) == nil {
		_, _ = consumer.Remove(ctx)
	}
}

// deliver takes a message from the queue.
func (l *listener) deliver(delivery *runtime.Delivery) {
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
		l.apis.counters.malformed.Add(1)
		l.apis.config.Logger.Warn("dynamic: a message is no announcement, it is dropped", "error", err)
		return
	}
	l.apis.hear(key, announcement)
}

// hear takes an announcement.
func (a *APIs) hear(key contract.Key, announcement *mqrpcv1.Announcement) {
	a.counters.announcements.Add(1)
	instance := instanceOf(announcement)
	for _, text := range []*string{&instance.Instance, &instance.Host, &instance.Language, &instance.Revision} {
		*text = strings.Clone((*text)[:min(len(*text), maxInstanceName)])
	}
	switch {
	case announcement.GetStopping():
		a.instances.remove(key, instance.Instance)
	case a.instances.put(key, instance):
		a.forgetUnknown(key)
	default:
		a.counters.crowded.Add(1)
		a.forgetUnknown(key)
	}
	a.checkRevision(key)
}

// forgetUnknown has an API looked up again: there is news of it.
func (a *APIs) forgetUnknown(key contract.Key) {
	a.loads.news(key, func() { a.unknown.forget(key) })
	a.unfollowUnknown(key)
}
