package memory

import (
	"bytes"
	"fmt"
	"time"

	"github.com/mqrpc/mqrpc/runtime"
)

// publish routes a message into its queues: into all of them or none.
func (b *Broker) publish(published *runtime.Publishing) error {
	b.mu.RLock()
	defer b.mu.RUnlock()
	queues := b.route(published.Exchange, published.RoutingKey)
	if len(queues) == 0 {
		return runtime.ErrNoQueue
	}
	accepted := acceptedMessage{
		exchange: published.Exchange, routingKey: published.RoutingKey,
		kind: published.Type, replyTo: published.ReplyTo,
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
			return runtime.ErrRefused
		}
	}
	for _, q := range queues {
		q.add(accepted)
	}
	return nil
}

// route returns the queues of a message. The exchange without a name is AMQP's
// default exchange, which leads to every queue by its name.
func (b *Broker) route(exchangeName, key string) []*queue {
	if exchangeName == "" {
		if q := b.queues[key]; q != nil {
			return []*queue{q}
		}
		return nil
	}
	if e := b.exchanges[exchangeName]; e != nil {
		return e.route(key)
	}
	return nil
}

// subscribe declares and binds a queue and adds a consumer to it.
func (b *Broker) subscribe(declared *runtime.Queue, deliver func(*runtime.Delivery)) (*subscription, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	q, err := b.declare(declared)
	if err != nil {
		return nil, err
	}
	b.bind(q, declared.Exchange, declared.Name)
	s := newSubscription(q, declared.Prefetch, deliver)
	if declared.Latest {
		b.lastPriority++
		s.priority = b.lastPriority
	}
	q.subscribe(s)
	return s, nil
}

// declare returns the queue of that name, new or equal in its arguments.
func (b *Broker) declare(declared *runtime.Queue) (*queue, error) {
	if q := b.queues[declared.Name]; q != nil {
		return q, q.checkArguments(declared)
	}
	b.lastQueue++
	q := newQueue(b, b.lastQueue, declared)
	b.queues[declared.Name] = q
	return q, nil
}

func (b *Broker) bind(q *queue, exchangeName, key string) {
	if exchangeName == "" {
		return
	}
	e := b.exchanges[exchangeName]
	if e == nil {
		e = newExchange(exchangeName)
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

// checkArguments returns an error if a queue is declared with other arguments
// than it has. RabbitMQ answers so with 406 PRECONDITION_FAILED.
func (q *queue) checkArguments(declared *runtime.Queue) error {
	switch {
	case q.quorum != declared.Quorum:
		return fmt.Errorf("queue %q exists as a %s queue, not as a %s queue",
			q.name, kindOfQueue(q.quorum), kindOfQueue(declared.Quorum))
	case q.lifetime != declared.Expires:
		return fmt.Errorf("queue %q exists with the expiry %v, not %v (0s means none)",
			q.name, q.lifetime, declared.Expires)
	case q.maxLength != declared.MaxLength:
		return fmt.Errorf("queue %q exists with the maximal length %d, not %d (0 means none)",
			q.name, q.maxLength, declared.MaxLength)
	}
	return nil
}

func kindOfQueue(quorum bool) string {
	if quorum {
		return "quorum"
	}
	return "classic"
}
