package workers

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/mqrpc/mqrpc/contract"
	"github.com/mqrpc/mqrpc/internal/presence"
	mqrpcv1 "github.com/mqrpc/mqrpc/proto/mqrpc/v1"
	"github.com/mqrpc/mqrpc/runtime"
)

// maxHeard bounds the instances that are listed: claims are strangers' bytes.
const maxHeard = 100_000

// Listen asks all workers for their claims, hears them for a time, or until done
// returns true, and returns the last one of every instance that serves. done is
// called after each claim; it may be nil. A worker answers within half a second.
func Listen(ctx context.Context, transport runtime.Transport, during time.Duration, done func(heard []*mqrpcv1.Claim) bool) ([]*mqrpcv1.Claim, error) {
	ctx, stop := context.WithTimeout(ctx, during)
	defer stop()
	ctx, fail := context.WithCancelCause(ctx)
	defer fail(nil)
	h := &heard{serving: make(map[server]*mqrpcv1.Claim), news: make(chan struct{}, 1)}
	listener := presence.Listen(presence.Config{Transport: transport, Heard: h.hear, Failed: fail})
	defer listener.Close()
	h.wait(ctx, done)
	all := h.all()
	err := context.Cause(ctx)
	if state := transport.State(); !state.Connected {
		err = state.Err
	}
	if len(all) == 0 && err != nil && !errors.Is(err, context.DeadlineExceeded) {
		return nil, fmt.Errorf("ask workers for what they serve: %w", err)
	}
	return all, nil
}

// server is an instance as the server of one API.
type server struct {
	contract.Key

	instance string
}

// heard gathers claims.
type heard struct {
	news chan struct{} // says that there was one

	mu      sync.Mutex
	serving map[server]*mqrpcv1.Claim
}

func (h *heard) hear(claim *mqrpcv1.Claim, whole bool) {
	key := server{contract.Key{Module: claim.GetModule(), Version: claim.GetVersion()}, claim.GetInstance()}
	h.mu.Lock()
	defer h.mu.Unlock()
	before := h.serving[key]
	switch {
	case claim.GetStopping():
		delete(h.serving, key)
	case before == nil && len(h.serving) < maxHeard, before != nil && whole:
		h.serving[key] = claim
	case before != nil:
		merged := proto.CloneOf(before) // others may read it
		merged.Running, merged.Waiting, merged.Answered = claim.GetRunning(), claim.GetWaiting(), claim.GetAnswered()
		h.serving[key] = merged
	}
	select {
	case h.news <- struct{}{}:
	default:
	}
}

// wait waits for the end.
func (h *heard) wait(ctx context.Context, done func([]*mqrpcv1.Claim) bool) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-h.news:
			if done != nil && done(h.all()) {
				return
			}
		}
	}
}

// all are the instances that serve.
func (h *heard) all() []*mqrpcv1.Claim {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.Collect(maps.Values(h.serving))
}
