package feed_test

import (
	"context"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/mqrpc/mqrpc/contract"
	mqrpcv1 "github.com/mqrpc/mqrpc/proto/mqrpc/v1"
	"github.com/mqrpc/mqrpc/registry"
	"github.com/mqrpc/mqrpc/registry/internal/feed"
	"github.com/mqrpc/mqrpc/registry/registrytest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var (
	key   = contract.Key{Module: "wxapp", Version: "1.0"}
	other = contract.Key{Module: "pay", Version: "2.0"}
)

// TestDeliver checks what is delivered, and in which order.
func TestDeliver(t *testing.T) {
	events := make(chan registry.Event, 16)
	f := feed.New(func(e registry.Event) { events <- e }, nil)
	defer f.Close()
	follow(t, f, key)
	var settled atomic.Int32
	settle := func() { settled.Add(1) }

	f.Send(registrytest.API(other, 1, 1), settle) // not followed
	f.Send(registrytest.API(key, 1, 1), settle)
	f.Lost()
	f.Send(registrytest.API(key, 2, 1), settle)
	for i, want := range []int64{1, 0, 2} {
		if got := (<-events).API.GetSequence(); got != want {
			t.Fatalf("event %d has the sequence %d, want %d", i, got, want)
		}
	}
	f.Unfollow(key)
	f.Send(registrytest.API(key, 3, 1), settle)
	f.Close()
	f.Send(registrytest.API(key, 4, 1), settle)
	if len(events) != 0 || settled.Load() != 5 {
		t.Errorf("%d events are left, %d of 5 were settled", len(events), settled.Load())
	}
	if err := f.Follow(key); err == nil {
		t.Error("a closed feed follows")
	}
}

// TestLoad checks that changes without a state are loaded, once for all that
// came before, and that a failure is passed on as a change.
func TestLoad(t *testing.T) {
	events := make(chan registry.Event, 16)
	blocked := make(chan struct{})
	var loads atomic.Int32
	f := feed.New(func(e registry.Event) { events <- e }, func(_ context.Context, k contract.Key) (*mqrpcv1.Api, error) {
		loads.Add(1)
		if k == other {
			return nil, registry.ErrUnavailable
		}
		<-blocked
		return registrytest.API(k, 7, 1), nil
	})
	defer f.Close()
	follow(t, f, key)
	follow(t, f, other)
	f.Changed(key)
	for loads.Load() == 0 { // the load of the first is under way
		<-time.After(time.Millisecond)
	}
	for range 10 {
		f.Changed(key)
	}
	f.Changed(other)
	close(blocked)
	for i, want := range []contract.Key{key, key, other} {
		if got := <-events; got.Key != want || (got.API == nil) != (want == other) {
			t.Errorf("event %d is %v, want one for %s", i, got, want)
		}
	}
	if loads.Load() != 3 {
		t.Errorf("%d loads, want 3", loads.Load())
	}
}

func follow(t *testing.T, f *feed.Feed, k contract.Key) {
	t.Helper()
	if err := f.Follow(k); err != nil {
		t.Fatal(err)
	}
}
