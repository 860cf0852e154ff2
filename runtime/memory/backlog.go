package memory

import "container/heap"

// backlog holds the waiting messages of a queue in their order. New messages
// come in order, into a ring; those that return may be anywhere in the order,
// so they go into a heap. The head is the older of the two heads.
type backlog struct {
	fresh    ring
	returned messageHeap
	bytes    int // of all bodies
}

func (b *backlog) len() int { return b.fresh.count + len(b.returned) }

// add appends a message, which must be newer than all before.
func (b *backlog) add(m *message) {
	b.fresh.push(m)
	b.bytes += len(m.body)
}

// giveBack inserts a message at the place that its sequence says.
func (b *backlog) giveBack(m *message) {
	heap.Push(&b.returned, m)
	b.bytes += len(m.body)
}

// head is the oldest message, nil if there is none.
func (b *backlog) head() *message {
	fresh := b.fresh.head()
	if len(b.returned) > 0 && (fresh == nil || b.returned[0].sequence < fresh.sequence) {
		return b.returned[0]
	}
	return fresh
}

// pop removes the head, which must exist.
func (b *backlog) pop() *message {
	m := b.head()
	if m == b.fresh.head() {
		b.fresh.pop()
	} else {
		heap.Pop(&b.returned)
	}
	b.bytes -= len(m.body)
	return m
}

// ring is a queue in a circular slice, whose length is a power of two.
type ring struct {
	slots []*message
	first int
	count int
}

const smallRing = 64

func (r *ring) head() *message {
	if r.count == 0 {
		return nil
	}
	return r.slots[r.first]
}

func (r *ring) push(m *message) {
	if r.count == len(r.slots) {
		r.resize(max(smallRing, 2*r.count))
	}
	r.slots[(r.first+r.count)&(len(r.slots)-1)] = m
	r.count++
}

func (r *ring) pop() {
	r.slots[r.first] = nil
	r.first = (r.first + 1) & (len(r.slots) - 1)
	r.count--
	if len(r.slots) > smallRing && r.count <= len(r.slots)/4 {
		r.resize(len(r.slots) / 2)
	}
}

func (r *ring) resize(size int) {
	slots := make([]*message, size)
	for i := range r.count {
		slots[i] = r.slots[(r.first+i)&(len(r.slots)-1)]
	}
	r.slots, r.first = slots, 0
}

// messageHeap is a heap.Interface by sequence.
type messageHeap []*message

func (h messageHeap) Len() int           { return len(h) }
func (h messageHeap) Less(i, j int) bool { return h[i].sequence < h[j].sequence }
func (h messageHeap) Swap(i, j int)      { h[i], h[j] = h[j], h[i] }
func (h *messageHeap) Push(m any)        { *h = append(*h, m.(*message)) }
func (h *messageHeap) Pop() any {
	last := len(*h) - 1
	m := (*h)[last]
	(*h)[last] = nil
	*h = (*h)[:last]
	return m
}
