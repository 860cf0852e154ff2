package transport

import (
	"context"
	"errors"
	"time"

	"github.com/cenkalti/backoff/v5"
)

// The waits between tries to consume: PROTOCOL.md wants no more than 2 s.
const (
	firstRetry = 50 * time.Millisecond
	lastRetry  = 2 * time.Second
)

// ConsumePersistently consumes a queue as [Transport.Consume] does, and tries
// again for as long as the broker refuses: an operator may lift that. failed is
// called with the reason each time. It returns an error when ctx has ended, or
// the transport is closed.
func ConsumePersistently(
	ctx context.Context, over Transport, queue Queue, deliver func(*Delivery), failed func(error),
) (Consumer, error) {
	pause := backoff.NewExponentialBackOff()
	pause.InitialInterval, pause.MaxInterval = firstRetry, lastRetry
	for {
		consumer, err := over.Consume(ctx, queue, deliver)
		if err == nil {
			return consumer, nil
		}
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		failed(err)
		if errors.Is(err, ErrClosed) {
			return nil, err
		}
		select {
		case <-time.After(pause.NextBackOff()):
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// Connects tells of each connection that is made after the first seen, which
// counts as [State].Connects does, and at once if that has passed. Several in
// quick succession are told as one. It goes on until stop is called.
func Connects(over Transport, seen int) (connected <-chan struct{}, stop func()) {
	told := make(chan struct{}, 1)
	stop = over.Watch(func(state State) {
		if !state.Connected || state.Connects == seen {
			return
		}
		seen = state.Connects
		select {
		case told <- struct{}{}:
		default:
		}
	})
	return told, stop
}
