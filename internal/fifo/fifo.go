// Package fifo has a queue for code that holds its own lock.
package fifo

// Queue is a first-in, first-out queue that does not keep what has left it. The
// zero value is empty. It is not safe for concurrent use.
type Queue[T any] struct {
	items []T
	head  int
}

// Len is the number of items.
func (q *Queue[T]) Len() int { return len(q.items) - q.head }

// Push adds an item at the end.
func (q *Queue[T]) Push(item T) { q.items = append(q.items, item) }

// Pop takes the oldest item; there must be one.
func (q *Queue[T]) Pop() T {
	var none T
	item := q.items[q.head]
	q.items[q.head] = none
	q.head++
	switch {
	case q.head == len(q.items):
		q.items, q.head = q.items[:0], 0
	case q.head >= 1024 && q.head*2 >= len(q.items):
		n := copy(q.items, q.items[q.head:])
		clear(q.items[n:])
		q.items, q.head = q.items[:n], 0
	}
	return item
}

// All is the queue's content, the oldest first; its elements may be changed.
func (q *Queue[T]) All() []T { return q.items[q.head:] }

// Replace makes items the queue's content.
func (q *Queue[T]) Replace(items []T) { q.items, q.head = items, 0 }
