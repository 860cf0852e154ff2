package registry

import (
	"context"

	"github.com/mqrpc/mqrpc/contract"
	mqrpcv1 "github.com/mqrpc/mqrpc/proto/mqrpc/v1"
)

// Notifier carries the news of a change from writers to gateways. It may lose,
// repeat and reorder news, as long as it says when it may have lost some: a
// gateway's catalog sorts that out.
//
// All methods are safe for concurrent use.
type Notifier interface {
	// Watch begins a watch, which follows nothing yet. It returns at once and
	// connects by itself, for ever, with back-off. notify is called for every
	// event, one call at a time, until the watch is closed, and holds no lock
	// that Follow or Unfollow need. It takes the time of compiling an API.
	Watch(notify func(Event)) (Watch, error)

	// Announce tells all watches that api is, or is about to be, the state of
	// its API. It returns when the news is on its way for certain, or with
	// ErrUnavailable. Where saving is itself the news, as with ZooKeeper's and
	// etcd's watches, it does nothing and returns nil.
	Announce(ctx context.Context, api *mqrpcv1.Api) error

	// Close ends the notifier and all its watches, and leaves no goroutine
	// behind. Calling it again does nothing.
	Close() error
}

// Watch is what one gateway follows.
//
// All methods are safe for concurrent use.
type Watch interface {
	// Follow makes the watch deliver the changes of an API. Every change that
	// is announced after Follow has returned nil is delivered, or a loss is:
	// who follows first and then reads the store misses nothing. The state at
	// the time of Follow may be delivered, too.
	//
	// While there is no connection it fails at once, with ErrUnavailable. When
	// it fails, so or because ctx has ended, the API is followed all the same,
	// as soon as that is possible, and then an event for its key or for all of
	// them says so: the caller reads the store meanwhile and carries on.
	// Following twice is following once.
	Follow(ctx context.Context, key contract.Key) error

	// Unfollow ends that. It does not wait: an event that is under way may
	// still be delivered.
	Unfollow(key contract.Key)

	// Close ends the watch. When it returns, notify has been called for the
	// last time. Calling it again does nothing.
	Close() error
}

// Event says that something about APIs may have changed.
type Event struct {
	// Key is the API that has changed. Zero: any that is followed may have,
	// because news may have been lost, for example when a connection was.
	Key contract.Key
	// API is the new state, whole. Nil: the notifier does not know it, but the
	// store does, and is to be asked. The receiver must not change it.
	API *mqrpcv1.Api
}
