package rabbitmq

// fifo is a queue that does not keep what has left it. The zero value is empty.
type fifo[T any] struct {
	items []T
	head  int
}

func (f *fifo[T]) len() int { return len(f.items) - f.head }

func (f *fifo[T]) push(item T) { f.items = append(f.items, item) }

func (f *fifo[T]) pop() T {
	var none T
	item := f.items[f.head]
	f.items[f.head] = none
	f.head++
	switch {
	case f.head == len(f.items):
		f.items, f.head = f.items[:0], 0
	case f.head >= 1024 && f.head*2 >= len(f.items):
		n := copy(f.items, f.items[f.head:])
		clear(f.items[n:])
		f.items, f.head = f.items[:n], 0
	}
	return item
}

// all is the queue's content, the oldest first; its elements may be changed.
func (f *fifo[T]) all() []T { return f.items[f.head:] }

// replace makes items the queue's content.
func (f *fifo[T]) replace(items []T) { f.items, f.head = items, 0 }
