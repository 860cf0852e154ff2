package catalog_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/mqrpc/mqrpc/catalog"
	"github.com/mqrpc/mqrpc/contract"
	wxappv1 "github.com/mqrpc/mqrpc/examples/wxapp/proto/wxapp/v1"
	mqrpcv1 "github.com/mqrpc/mqrpc/proto/mqrpc/v1"
	"github.com/mqrpc/mqrpc/registry"
	"github.com/mqrpc/mqrpc/registry/registrytest"
	"github.com/mqrpc/mqrpc/runtime"
	"github.com/mqrpc/mqrpc/runtime/memory"
)

// slowStore counts the loads, and takes its time.
type slowStore struct {
	registry.Store
	takes time.Duration
	loads atomic.Int64
}

func (s *slowStore) Load(ctx context.Context, key contract.Key) (*mqrpcv1.Api, error) {
	s.loads.Add(1)
	if s.takes > 0 {
		select {
		case <-time.After(s.takes):
		case <-ctx.Done():
			return nil, fmt.Errorf("%w: %w", registry.ErrUnavailable, ctx.Err())
		}
	}
	return s.Store.Load(ctx, key)
}

type sessions struct {
	wxappv1.UnimplementedWxappManagerServer
}

func (sessions) SessionKey(_ context.Context, request *wxappv1.SessionKeyRequest) (*wxappv1.SessionKeyResponse, error) {
	return &wxappv1.SessionKeyResponse{SessionKey: request.GetCode()}, nil
}

// startWxapp starts the example's worker.
func startWxapp(t *testing.T, broker *memory.Broker, logger *slog.Logger) (stop func()) {
	t.Helper()
	transport := broker.Connect()
	worker := runtime.NewWorker(transport, runtime.WorkerConfig{Logger: logger})
	wxappv1.RegisterWxappManagerServer(worker, sessions{})
	ctx, end := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- worker.Run(ctx) }()
	<-worker.Ready()
	stop = sync.OnceFunc(func() {
		end()
		if err := errors.Join(<-ended, transport.Close(context.Background())); err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(stop)
	return stop
}

// TestHotPlug: a worker that starts after the gateway, and after somebody has
// asked for it in vain, is served by the first request.
func TestHotPlug(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		broker := memory.NewBroker(memory.Config{})
		s := newStand(t, broker, catalog.Config{Store: newRegistry(t)})
		wxapp := contract.Key{Module: "wxapp", Version: "1.0"}
		if got, err := s.call(wxapp, "WxappManager.SessionKey", `{"Code":"YQ=="}`); !errors.Is(err, catalog.ErrUnknownModule) {
			t.Errorf("before: got %s, %v", got, err)
		}
		began := time.Now()
		stop := startWxapp(t, broker, slog.New(slog.DiscardHandler))
		synctest.Wait()
		if got, err := s.call(wxapp, "WxappManager.SessionKey", `{"Code":"YQ=="}`); got != `{"SessionKey":"YQ=="}` {
			t.Errorf("the first: got %s, %v", got, err)
		}
		if took := time.Since(began); took > time.Second {
			t.Errorf("it took %s", took)
		}
		if got, err := s.call(contract.Key{Module: "wxapp", Version: "9.9"}, "WxappManager.SessionKey", `{}`); !errors.Is(err, catalog.ErrUnknownVersion) {
			t.Errorf("another version: got %s, %v", got, err)
		}
		stop()
		synctest.Wait()
		if got, err := s.call(wxapp, "WxappManager.SessionKey", `{}`); !errors.Is(err, runtime.ErrNoWorker) {
			t.Errorf("without a worker: got %s, %v", got, err)
		}
	})
}

// TestColdRequests: a thousand at once cause one load.
func TestColdRequests(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		memoryRegistry := newRegistry(t)
		save(t, memoryRegistry, registrytest.API(greeter, 1, 2))
		store := &slowStore{Store: memoryRegistry, takes: 100 * time.Millisecond}
		broker := memory.NewBroker(memory.Config{})
		startGreeter(t, broker, "a", 2)
		s := newStand(t, broker, catalog.Config{Store: store})
		var callers sync.WaitGroup
		for range 1000 {
			callers.Go(func() { s.expect(`{"field1":"x"}`, `"field2":"a"`) })
		}
		callers.Wait()
		if got := store.loads.Load(); got != 1 {
			t.Errorf("%d loads, want 1", got)
		}
		if stats := s.catalog.Stats(); stats.Lookups != 1 || stats.FromRegistry != 1 {
			t.Errorf("got %+v", stats)
		}
	})
}

// TestCallersTime: each waits as long as its own time, and the lookup goes on.
func TestCallersTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		memoryRegistry := newRegistry(t)
		save(t, memoryRegistry, registrytest.API(greeter, 1, 2))
		store := &slowStore{Store: memoryRegistry, takes: time.Second}
		s := newStand(t, memory.NewBroker(memory.Config{}), catalog.Config{Store: store})
		ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		defer cancel()
		began := time.Now()
		_, err := s.catalog.API(ctx, greeter.Module, greeter.Version)
		if took := time.Since(began); !errors.Is(err, context.DeadlineExceeded) || took != 100*time.Millisecond {
			t.Errorf("got %v after %s", err, took)
		}
		if _, err := s.catalog.API(t.Context(), greeter.Module, greeter.Version); err != nil {
			t.Error(err)
		}
		if took := time.Since(began); took != time.Second || store.loads.Load() != 1 {
			t.Errorf("it took %s and %d loads", took, store.loads.Load())
		}
	})
}

// TestInventedNames: they cost bounded memory and bounded queries, and hurt
// nobody who is loaded or announced.
func TestInventedNames(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := &slowStore{Store: newRegistry(t)}
		broker := memory.NewBroker(memory.Config{})
		s := newStand(t, broker, catalog.Config{Store: store})
		const names = 100_000
		var next atomic.Int64
		var callers sync.WaitGroup
		for range 100 {
			callers.Go(func() {
				for i := next.Add(1); i <= names; i = next.Add(1) {
					if _, err := s.catalog.API(t.Context(), fmt.Sprintf("invented-%d", i), "1.0"); err == nil {
						t.Error("an invented name was found")
					}
				}
			})
		}
		callers.Wait()
		stats := s.catalog.Stats()
		t.Logf("%d loads, %+v", store.loads.Load(), stats)
		// The burst, and what was under way when it was used up.
		if got := store.loads.Load(); got > catalog.DefaultUnknownBurst+100 {
			t.Errorf("%d loads", got)
		}
		if stats.Unknown > catalog.DefaultUnknownBurst+100 || stats.LookupsRefused < names-2*catalog.DefaultUnknownBurst {
			t.Errorf("got %+v", stats)
		}
		worker := startGreeter(t, broker, "a", 1)
		worker.announce(false)
		s.expect(`{}`, `"field1":"a"`)
		pass(10 * time.Second)
		if got := s.catalog.Stats().Unknown; got != 0 {
			t.Errorf("%d names are still remembered", got)
		}
	})
}

// TestInvalidNames never reach the registry.
func TestInvalidNames(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := &slowStore{Store: newRegistry(t)}
		s := newStand(t, memory.NewBroker(memory.Config{}), catalog.Config{Store: store})
		for _, key := range []contract.Key{{Module: "a b", Version: "1"}, {Module: "a", Version: "1_0"}, {}} {
			if _, err := s.catalog.API(t.Context(), key.Module, key.Version); err == nil {
				t.Errorf("%q was found", key)
			}
		}
		if got := store.loads.Load(); got != 0 {
			t.Errorf("%d loads", got)
		}
	})
}

// TestUnknownIsRemembered for its time, and until the registry brings news.
func TestUnknownIsRemembered(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		memoryRegistry := newRegistry(t)
		store := &slowStore{Store: memoryRegistry}
		s := newStand(t, memory.NewBroker(memory.Config{}), catalog.Config{Store: store, Notifier: memoryRegistry.Connect()})
		for range 10 {
			s.refuse(`{}`, catalog.ErrUnknownModule)
		}
		if got := store.loads.Load(); got != 1 {
			t.Errorf("%d loads, want 1", got)
		}
		pass(6 * time.Second)
		s.refuse(`{}`, catalog.ErrUnknownModule)
		if got := store.loads.Load(); got != 2 {
			t.Errorf("%d loads, want 2", got)
		}
		api := registrytest.API(greeter, 1, 1)
		if err := memoryRegistry.Announce(t.Context(), api); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		s.refuse(`{}`, catalog.ErrUnknownModule) // it is not saved yet
		save(t, memoryRegistry, api)
		pass(50 * time.Millisecond)
		s.refuse(`{}`, runtime.ErrNoWorker) // known, and nobody serves it
	})
}

// TestIdle: what nobody calls is dropped, and found again.
func TestIdle(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		memoryRegistry := newRegistry(t)
		save(t, memoryRegistry, registrytest.API(greeter, 1, 1))
		broker := memory.NewBroker(memory.Config{})
		startGreeter(t, broker, "a", 1)
		store := &slowStore{Store: memoryRegistry}
		s := newStand(t, broker, catalog.Config{Store: store})
		s.expect(`{}`, "")
		pass(29 * time.Minute)
		s.expect(`{}`, "")
		pass(29 * time.Minute)
		if got := s.catalog.Stats(); got.Loaded != 1 || got.Dropped != 0 {
			t.Errorf("in use: %+v", got)
		}
		pass(2 * time.Minute)
		if got := s.catalog.Stats(); got.Loaded != 0 || got.Dropped != 1 {
			t.Errorf("idle: %+v", got)
		}
		s.expect(`{}`, "")
		if got := store.loads.Load(); got != 2 {
			t.Errorf("%d loads, want 2", got)
		}
	})
}

// TestTooManyLoaded: those called longest ago go.
func TestTooManyLoaded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		memoryRegistry := newRegistry(t)
		s := newStand(t, memory.NewBroker(memory.Config{}), catalog.Config{Store: memoryRegistry, Limits: catalog.Limits{Loaded: 10}})
		for i := range 20 {
			key := contract.Key{Module: fmt.Sprintf("m%d", i), Version: "1"}
			save(t, memoryRegistry, registrytest.API(key, 1, 1))
			if _, err := s.catalog.API(t.Context(), key.Module, key.Version); err != nil {
				t.Fatal(err)
			}
			pass(2 * time.Second)
		}
		if got := s.catalog.Stats(); got.Loaded != 10 || got.Dropped != 10 {
			t.Errorf("got %+v", got)
		}
		if s.catalog.Loaded("m9", "1") != nil || s.catalog.Loaded("m10", "1") == nil {
			t.Error("others were dropped than those called longest ago")
		}
	})
}

// TestCallersLeave: a lookup that waits for its turn goes with those who wait
// for it, and one that has begun goes on.
func TestCallersLeave(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := &slowStore{Store: newRegistry(t), takes: time.Second}
		s := newStand(t, memory.NewBroker(memory.Config{}), catalog.Config{Store: store, Limits: catalog.Limits{Lookups: 1}})
		ctx, leave := context.WithCancel(t.Context())
		var callers sync.WaitGroup
		for i := range 10 {
			callers.Go(func() {
				if _, err := s.catalog.API(ctx, fmt.Sprintf("m%d", i), "1"); !errors.Is(err, context.Canceled) {
					t.Errorf("got %v", err)
				}
			})
		}
		synctest.Wait()
		leave()
		callers.Wait()
		pass(time.Minute)
		if got := store.loads.Load(); got != 1 {
			t.Errorf("%d loads, want 1", got)
		}
	})
}

// TestClosed: what is loaded is still served, nothing else is loaded.
func TestClosed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		memoryRegistry := newRegistry(t)
		save(t, memoryRegistry, registrytest.API(greeter, 1, 1))
		s := newStand(t, memory.NewBroker(memory.Config{}), catalog.Config{Store: memoryRegistry})
		if _, err := s.catalog.API(t.Context(), greeter.Module, greeter.Version); err != nil {
			t.Fatal(err)
		}
		s.close()
		if _, err := s.catalog.API(t.Context(), greeter.Module, greeter.Version); err != nil {
			t.Errorf("loaded: %v", err)
		}
		if _, err := s.catalog.API(t.Context(), "other", "1"); err == nil || errors.Is(err, catalog.ErrUnknownModule) {
			t.Errorf("not loaded: %v", err)
		}
		if err := s.catalog.Close(t.Context()); err != nil {
			t.Errorf("again: %v", err)
		}
	})
}

// TestClosedWhileLookedUp: those who wait are told.
func TestClosedWhileLookedUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStand(t, memory.NewBroker(memory.Config{}), catalog.Config{Store: &slowStore{Store: newRegistry(t), takes: time.Hour}})
		var callers sync.WaitGroup
		for i := range 100 {
			callers.Go(func() {
				if _, err := s.catalog.API(t.Context(), fmt.Sprintf("m%d", i), "1"); err == nil || errors.Is(err, catalog.ErrUnknownModule) {
					t.Errorf("got %v", err)
				}
			})
		}
		synctest.Wait()
		began := time.Now()
		s.close()
		callers.Wait()
		if took := time.Since(began); took > 0 {
			t.Errorf("it took %v", took)
		}
	})
}

// TestWorkerWithoutDescription: its API is not unknown, it could not be asked.
func TestWorkerWithoutDescription(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		broker := memory.NewBroker(memory.Config{})
		worker := startGreeter(t, broker, "a", 1)
		worker.silent.Store(true)
		s := newStand(t, broker, catalog.Config{Store: newRegistry(t)})
		if got, err := s.call(greeter, "Greeter.Greet", `{}`); err == nil || errors.Is(err, catalog.ErrUnknownModule) || errors.Is(err, runtime.ErrNoWorker) {
			t.Errorf("got %s, %v", got, err)
		}
		worker.silent.Store(false)
		worker.announce(false)
		s.expect(`{}`, "")
	})
}

func TestConfigIsChecked(t *testing.T) {
	for _, config := range []catalog.Config{
		{IdleAfter: -1}, {Limits: catalog.Limits{Lookups: -1}}, {UnknownFor: time.Hour},
		{Static: []*runtime.Service{nil}}, {Static: []*runtime.Service{{Module: "a b", Version: "1"}}},
	} {
		if _, err := catalog.New(config); err == nil {
			t.Errorf("%+v is accepted", config)
		}
	}
}
