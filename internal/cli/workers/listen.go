package workers

import (
	"context"
	"crypto/rand"
	"fmt"
	"strings"
	"sync"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/mqrpc/mqrpc/contract"
	mqrpcv1 "github.com/mqrpc/mqrpc/proto/mqrpc/v1"
	"github.com/mqrpc/mqrpc/runtime"
	"github.com/mqrpc/mqrpc/wire"
)

const (
	// queueExpires removes the queue of a listener that was killed.
	queueExpires = time.Minute
	// queueLength bounds what waits in it.
	queueLength = 10_000
	// stopTimeout bounds the end of listening.
	stopTimeout = 2 * time.Second
)

// Listen listens to announcements for a time, or until done returns true, and
// returns the last one of every instance that serves. done is called after each
// announcement; it may be nil. A worker announces itself every 5 seconds unless
// it is configured otherwise.
func Listen(ctx context.Context, transport runtime.Transport, during time.Duration, done func(heard []*mqrpcv1.Announcement) bool) ([]*mqrpcv1.Announcement, error) {
	l := &listener{serving: make(map[server]*mqrpcv1.Announcement), heard: make(chan struct{}, 1)}
	consuming, cancel := context.WithTimeout(ctx, during)
	defer cancel()
	consumer, err := transport.Consume(consuming, runtime.Queue{
		Name:      wire.RegistryQueue(strings.ToLower(rand.Text())),
		Exchange:  wire.RegistryExchange,
		Expires:   queueExpires,
		MaxLength: queueLength,
		Latest:    true,
	}, l.deliver)
	if err != nil {
		if cause := transport.State().Err; cause != nil {
			err = cause
		}
		return nil, fmt.Errorf("listen to the announcements of workers: %w", err)
	}
	l.wait(consuming, done)
	stopping, cancelStop := context.WithTimeout(context.WithoutCancel(ctx), stopTimeout)
	defer cancelStop()
	if consumer.Stop(stopping) == nil {
		_, _ = consumer.Remove(stopping) // it expires by itself otherwise
	}
	return l.all(), nil
}

// server is an instance as the server of one API.
type server struct {
	contract.Key

	instance string
}

// listener gathers announcements.
type listener struct {
	heard chan struct{} // says that there was one

	mu      sync.Mutex
	serving map[server]*mqrpcv1.Announcement
}

func (l *listener) deliver(delivery *runtime.Delivery) {
	defer delivery.Settle.Ack()
	if delivery.Type != wire.TypeAnnouncement {
		return
	}
	announcement := &mqrpcv1.Announcement{}
	if err := proto.Unmarshal(delivery.Body, announcement); err != nil {
		return // not ours to judge: gateways log it
	}
	key := contract.Key{Module: announcement.GetModule(), Version: announcement.GetVersion()}
	l.mu.Lock()
	defer l.mu.Unlock()
	if announcement.GetStopping() {
		delete(l.serving, server{key, announcement.GetInstance()})
	} else {
		l.serving[server{key, announcement.GetInstance()}] = announcement
	}
	select {
	case l.heard <- struct{}{}:
	default:
	}
}

// wait waits for the end.
func (l *listener) wait(ctx context.Context, done func([]*mqrpcv1.Announcement) bool) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-l.heard:
			if done != nil && done(l.all()) {
				return
			}
		}
	}
}

// all are the instances that serve.
func (l *listener) all() []*mqrpcv1.Announcement {
	l.mu.Lock()
	defer l.mu.Unlock()
	all := make([]*mqrpcv1.Announcement, 0, len(l.serving))
	for _, announcement := range l.serving {
		all = append(all, announcement)
	}
	return all
}
