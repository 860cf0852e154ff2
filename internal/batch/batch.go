package batch

import "time"

// Limits bound how entries gather.
type Limits struct {
	// Entries bounds the entries of one message.
	Entries int
	// Bytes is the size of a message beyond which nothing is added to it. What is
	// larger travels alone.
	Bytes int
	// Linger bounds the time for which an entry gathers; where the broker takes
	// longer to confirm messages it is up to twice that, and up to four times
	// Linger.
	Linger time.Duration
}

// Entry is one call or reply on its way into a message.
type Entry[T any] struct {
	Content T
	// Bytes is the most that it adds to the message.
	Bytes int
	// Work is the handling time that it is expected to need; see [Pace].
	Work time.Duration
	// Followed is set when more entries for the same destination are certain to
	// come soon: it need not leave at once.
	Followed bool
}

// Sender sends the batches of gatherers. Both functions are called concurrently.
type Sender[K comparable, T any] struct {
	// Send makes a message of the batch and has it sent; the message's outcome is
	// given to the batch's Settle. False: there was nothing left to send.
	Send func(to K, b *Batch[T]) bool
	// Settled learns the outcome of a message that was sent. False: the batch is
	// sent again as it is, and its Settle called once more.
	Settled func(to K, b *Batch[T], outcome error) (final bool)
}

// Batch is what leaves in one message.
type Batch[T any] struct {
	// Contents are what it holds. The sender may drop some of them.
	Contents []T
	// Body is memory for the message, which is empty at first.
	Body *[]byte
	// Left is when it was given to the sender.
	Left time.Time
	// Settle must be called once, with the outcome of the message: nil when the
	// broker has taken it. Body and Contents must not be used any more then, unless
	// Settled says that the batch is sent again.
	Settle func(outcome error)

	bytes int
	work  time.Duration
}

// WorkPerMessage is the expected handling time of the entries that may share a
// message whoever takes it. What is more goes by the room that the instances have:
// handlers that wait run side by side, so that each entry counts for no more than
// this, and each instance takes as many times this as it runs handlers.
const WorkPerMessage = time.Millisecond

// quickWork is the handling time below which calls may wait for each other. It is
// small beside the way to a worker and back.
const quickWork = 50 * time.Microsecond

// Quick reports whether entries that need that much handling time may wait for
// each other.
func Quick(work time.Duration) bool { return work <= quickWork }
