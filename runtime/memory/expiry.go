package memory

import "time"

// discardExpired discards the expired messages at the head. Those behind a
// message that has not expired stay, as in RabbitMQ.
func (q *queue) discardExpired() {
	for head := q.backlog.head(); head != nil && head.expired(); head = q.backlog.head() {
		q.backlog.pop()
	}
}

// watchHead sees to it that the head is discarded when it expires. One timer at
// a time runs; it looks at whatever is the head then.
func (q *queue) watchHead() {
	head := q.backlog.head()
	if q.messageTimer || head == nil || head.expires.IsZero() {
		return
	}
	q.messageTimer = true
	time.AfterFunc(time.Until(head.expires), func() {
		q.mu.Lock()
		defer q.mu.Unlock()
		q.messageTimer = false
		q.discardExpired()
		q.watchHead()
	})
}

// startIdleTimer begins the time after which a queue without consumers is
// deleted.
func (q *queue) startIdleTimer() {
	if q.lifetime == 0 || q.removed || len(q.subscriptions) > 0 {
		return
	}
	q.stopIdleTimer()
	var timer *time.Timer
	timer = time.AfterFunc(q.lifetime, func() { q.broker.expireQueue(q, &timer) })
	q.idleTimer = timer
}

func (q *queue) stopIdleTimer() {
	if q.idleTimer != nil {
		q.idleTimer.Stop()
		q.idleTimer = nil
	}
}

// expireQueue deletes a queue, if the timer that has fired is still the one
// that counts. The timer's variable is read with the locks held, since the
// timer may fire before it is set.
func (b *Broker) expireQueue(q *queue, fired **time.Timer) {
	b.mu.Lock()
	defer b.mu.Unlock()
	q.mu.Lock()
	defer q.mu.Unlock()
	if !q.removed && q.idleTimer != nil && q.idleTimer == *fired {
		b.delete(q)
	}
}
