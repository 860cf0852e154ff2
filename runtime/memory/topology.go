package memory

import (
	"bytes"
	"fmt"
	"time"

	"github.com/mqrpc/mqrpc/runtime/transport"
)

// publish routes a message into its queues: into all of them or none.
func (b *Broker) publish(published *transport.Publishing, user string) error {
	b.mu.RLock()
	defer b.mu.RUnlock()
	queues := b.route(published.Exchange, published.RoutingKey)
	if len(queues) == 0 {
		return transport.ErrNoQueue
	}
	accepted := acceptedMessage{
		exchange: published.Exchange, routingKey: published.RoutingKey,
		kind: published.Type, replyTo: published.ReplyTo, user: user,
		body: bytes.Clone(published.Body),
	}
	if published.Expiration != 0 {
		accepted.expires = time.Now().Add(published.Expiration)
	}
	if len(queues) == 1 {
		return queues[0].accept(&accepted)
	}
	return acceptAll(queues, &accepted)
}

// acceptAll puts a message into several queues, if all have room for it.
func acceptAll(queues []*queue, accepted *acceptedMessage) error {
	for _, q := range queues { // in the order of their ids, so that two calls cannot deadlock
		q.mu.Lock()
	}
	defer func() {
		for _, q := range queues {
			q.mu.Unlock()
		}
	}()
	for _, q := range queues {
		if !q.hasRoom(len(accepted.body)) {
			return transport.ErrRefused
		}
	}
	for _, q := range queues {
		q.add(accepted)
	}
	return nil
}

// route returns the queues of a message.
func (b *Broker) route(exchangeName, key string) []*queue {
	if e := b.exchanges[exchangeName]; e != nil {
		return e.route(key)
	}
	return nil
}

// subscribe declares and binds a queue and adds a consumer of a connection to it.
func (b *Broker) subscribe(declared *transport.Queue, connection *Transport, deliver func(*transport.Delivery)) (*subscription, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	q := b.declare(declared, connection)
	if q.owner != nil && q.owner != connection {
		return nil, fmt.Errorf("the queue %q belongs to another connection", declared.Name)
	}
	for _, binding := range declared.Bindings {
		b.bind(q, binding.Exchange, binding.Key)
	}
	s := newSubscription(q, declared.Prefetch, deliver)
	if declared.Owned {
		b.lastPriority++
		s.priority = b.lastPriority
	}
	q.subscribe(s)
	return s, nil
}

// declare returns the queue of that name: one that exists as it is, else a new
// one.
func (b *Broker) declare(declared *transport.Queue, connection *Transport) *queue {
	if q := b.queues[declared.Name]; q != nil {
		return q
	}
	b.lastQueue++
	q := newQueue(b, b.lastQueue, declared)
	if declared.Exclusive {
		q.owner = connection
	}
	b.queues[declared.Name] = q
	return q
}

// removeExclusive deletes a queue of a connection that has ended.
func (b *Broker) removeExclusive(name string, connection *Transport) {
	b.mu.Lock()
	defer b.mu.Unlock()
	q := b.queues[name]
	if q == nil || q.owner != connection {
		return
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	b.delete(q)
}

func (b *Broker) bind(q *queue, exchangeName, key string) {
	e := b.exchanges[exchangeName]
	if e == nil {
		e = newExchange()
		b.exchanges[exchangeName] = e
	}
	e.bind(key, q)
	q.bindings[[2]string{exchangeName, key}] = struct{}{}
}

// remove deletes a queue that is empty and unused, and reports whether it is
// gone afterwards.
func (b *Broker) remove(name string) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	q := b.queues[name]
	if q == nil {
		return true
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	if !q.removable() {
		return false
	}
	b.delete(q)
	return true
}

// delete takes a queue away; the mu of both is held.
func (b *Broker) delete(q *queue) {
	for bound := range q.bindings {
		b.exchanges[bound[0]].unbind(bound[1], q)
	}
	delete(b.queues, q.name)
	q.drop()
}
