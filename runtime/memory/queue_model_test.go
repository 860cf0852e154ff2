package memory

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/mqrpc/mqrpc/runtime/transport"
)

// FuzzQueue does the same with a queue and with a model of it that is too
// simple to be wrong, and compares them after every step. To search further:
//
//	go test -run '^$' -fuzz FuzzQueue -fuzzminimizetime 5x ./runtime/memory
func FuzzQueue(f *testing.F) {
	for seed := range uint64(20) {
		random := rand.New(rand.NewPCG(seed, seed))
		steps := make([]byte, 400)
		for i := range steps {
			steps[i] = byte(random.Uint32())
		}
		f.Add(steps)
	}
	f.Fuzz(func(t *testing.T, steps []byte) {
		steps = steps[:min(len(steps), 1000)]
		q := newQueue(NewBroker(Config{MaxMessages: modelLimit}), 1, &transport.Queue{Name: "queue"})
		pair := &modelledQueue{queue: q}
		for i, step := range steps {
			what := pair.do(step)
			if got, want := pair.describe(), pair.model.describe(); got != want {
				t.Fatalf("after step %d, %s:\ngot\n%s\nwant\n%s", i, what, got, want)
			}
		}
	})
}

const modelLimit = 12

// modelledQueue is a queue and its model, with the consumers in the order in
// which they came.
type modelledQueue struct {
	queue     *queue
	consumers []*subscription
	model     modelQueue
	published int
}

// do does one step: the low bits say what, the others with what.
func (p *modelledQueue) do(step byte) (what string) {
	choice, argument := step%8, int(step/8)
	if len(p.consumers) == 0 && choice >= 4 {
		choice = 3
	}
	switch choice {
	case 0, 1, 2:
		return p.publish()
	case 3:
		return p.subscribe(argument)
	case 4:
		return p.hand(argument)
	case 5:
		return p.settle(argument, false)
	case 6:
		return p.settle(argument, true)
	default:
		return p.leave(argument)
	}
}

func (p *modelledQueue) publish() string {
	p.published++
	body := fmt.Sprint(p.published)
	accepted := p.queue.accept(&acceptedMessage{body: []byte(body)}) == nil
	return fmt.Sprintf("publish (accepted: %v, by the model: %v)", accepted, p.model.publish(body))
}

func (p *modelledQueue) subscribe(argument int) string {
	if len(p.consumers) == 4 {
		return "nothing"
	}
	prefetch, priority := 1+argument%3, argument/3%2
	s := newSubscription(p.queue, prefetch, nil)
	s.priority = uint64(priority)
	p.queue.subscribe(s)
	p.consumers = append(p.consumers, s)
	p.model.subscribe(prefetch, priority)
	return "subscribe"
}

// hand hands to a consumer what is in its inbox, as run does.
func (p *modelledQueue) hand(argument int) string {
	i := argument % len(p.consumers)
	s := p.consumers[i]
	for _, m := range s.inbox {
		m.hand(time.Time{})
	}
	s.inbox = nil
	for _, m := range p.model.joined[i].held {
		m.handed = true
	}
	return "hand"
}

// settle settles one of a consumer's messages.
func (p *modelledQueue) settle(argument int, requeue bool) string {
	i := argument % len(p.consumers)
	var handed []*message
	for m := p.consumers[i].unsettled.first; m != nil; m = m.next {
		if m.state.Load() == stateHanded {
			handed = append(handed, m)
		}
	}
	if len(handed) == 0 {
		return "nothing"
	}
	m := handed[argument/4%len(handed)]
	settled := p.model.settle(i, string(m.body), requeue)
	if requeue {
		m.Requeue()
	} else {
		m.Ack()
	}
	m.Ack() // settling again does nothing
	m.Requeue()
	return fmt.Sprintf("settle %s (requeue: %v, known to the model: %v)", m.body, requeue, settled)
}

func (p *modelledQueue) leave(argument int) string {
	i := argument % len(p.consumers)
	p.consumers[i].withdraw()
	p.consumers[i].returnAll()
	p.consumers = slices.Delete(p.consumers, i, i+1)
	p.model.leave(i)
	return "leave"
}

func (p *modelledQueue) describe() string {
	var text strings.Builder
	for i, s := range p.consumers {
		fmt.Fprintf(&text, "consumer %d:", i)
		for m := s.unsettled.first; m != nil; m = m.next {
			fmt.Fprintf(&text, " %s/%v/%v", m.body, m.state.Load() == stateHanded, m.redelivered)
		}
		text.WriteByte('\n')
	}
	waiting := slices.Clone(p.queue.backlog.returned)
	for i := range p.queue.backlog.fresh.count {
		fresh := &p.queue.backlog.fresh
		waiting = append(waiting, fresh.slots[(fresh.first+i)%len(fresh.slots)])
	}
	slices.SortFunc(waiting, func(a, b *message) int { return int(a.sequence) - int(b.sequence) })
	bytes := 0
	for _, m := range waiting {
		fmt.Fprintf(&text, "%s/%v ", m.body, m.redelivered)
		bytes += len(m.body)
	}
	if bytes != p.queue.backlog.bytes {
		fmt.Fprintf(&text, "(%d bytes are counted as %d)", bytes, p.queue.backlog.bytes)
	}
	return text.String()
}

// modelQueue is the model: slices, searched from the front.
type modelQueue struct {
	waiting []*modelMessage  // in order
	turns   []*modelConsumer // in the order in which they are asked
	joined  []*modelConsumer // in the order in which they came
	last    int
}

type modelMessage struct {
	place               int
	body                string
	handed, redelivered bool
}

type modelConsumer struct {
	prefetch, priority int
	held               []*modelMessage
}

func (q *modelQueue) publish(body string) bool {
	if len(q.waiting) >= modelLimit {
		return false
	}
	q.last++
	q.waiting = append(q.waiting, &modelMessage{place: q.last, body: body})
	q.dispatch()
	return true
}

func (q *modelQueue) subscribe(prefetch, priority int) {
	c := &modelConsumer{prefetch: prefetch, priority: priority}
	q.joined = append(q.joined, c)
	q.turns = append(q.turns, c)
	slices.SortStableFunc(q.turns, func(a, b *modelConsumer) int { return b.priority - a.priority })
	q.dispatch()
}

func (q *modelQueue) dispatch() {
	for len(q.waiting) > 0 {
		i := slices.IndexFunc(q.turns, func(c *modelConsumer) bool { return len(c.held) < c.prefetch })
		if i < 0 {
			return
		}
		c := q.turns[i]
		c.held = append(c.held, q.waiting[0])
		q.waiting = q.waiting[1:]
		q.turns = append(slices.Delete(q.turns, i, i+1), c) // to the end of its equals
		slices.SortStableFunc(q.turns, func(a, b *modelConsumer) int { return b.priority - a.priority })
	}
}

func (q *modelQueue) settle(consumer int, body string, requeue bool) bool {
	c := q.joined[consumer]
	i := slices.IndexFunc(c.held, func(m *modelMessage) bool { return m.body == body })
	if i < 0 {
		return false
	}
	m := c.held[i]
	c.held = slices.Delete(c.held, i, i+1)
	if requeue {
		q.giveBack(m)
	}
	q.dispatch()
	return true
}

func (q *modelQueue) leave(consumer int) {
	c := q.joined[consumer]
	q.joined = slices.Delete(q.joined, consumer, consumer+1)
	q.turns = slices.DeleteFunc(q.turns, func(other *modelConsumer) bool { return other == c })
	for _, m := range c.held {
		q.giveBack(m)
	}
	q.dispatch()
}

func (q *modelQueue) giveBack(m *modelMessage) {
	m.redelivered = m.redelivered || m.handed
	m.handed = false
	q.waiting = append(q.waiting, m)
	slices.SortFunc(q.waiting, func(a, b *modelMessage) int { return a.place - b.place })
}

func (q *modelQueue) describe() string {
	var text strings.Builder
	for i, c := range q.joined {
		fmt.Fprintf(&text, "consumer %d:", i)
		for _, m := range c.held {
			fmt.Fprintf(&text, " %s/%v/%v", m.body, m.handed, m.redelivered)
		}
		text.WriteByte('\n')
	}
	for _, m := range q.waiting {
		fmt.Fprintf(&text, "%s/%v ", m.body, m.redelivered)
	}
	return text.String()
}
