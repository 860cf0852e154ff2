package catalog_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/mqrpc/mqrpc/catalog"
	"github.com/mqrpc/mqrpc/contract"
	mqrpcv1 "github.com/mqrpc/mqrpc/proto/mqrpc/v1"
	"github.com/mqrpc/mqrpc/registry"
	"github.com/mqrpc/mqrpc/registry/disk"
	"github.com/mqrpc/mqrpc/registry/registrytest"
	"github.com/mqrpc/mqrpc/runtime"
	"github.com/mqrpc/mqrpc/runtime/memory"
)

func openSnapshot(t *testing.T, dir string) registry.Snapshot {
	t.Helper()
	snapshot, err := disk.Open(disk.Config{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	return snapshot
}

// TestRegistryDown: what is loaded goes on; a restart serves the snapshot, says
// so, and catches up.
func TestRegistryDown(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		broker := memory.NewBroker(memory.Config{})
		r := newRegistry(t)
		worker := startGreeter(t, broker, "a", 2)
		api := registrytest.API(greeter, 1, 2)
		api.Policy = &mqrpcv1.Policy{DefaultResponses: map[string]string{"*": `{"field1":"stand-in"}`}}
		save(t, r, api)
		s := newStand(t, broker, catalog.Config{Store: r, Notifier: r.Connect(), Snapshot: openSnapshot(t, dir)})
		s.expect(`{}`, `"field2":"a"`)

		r.Fail(errors.New("unplugged"))
		stop := s.traffic(`{}`)
		pass(2 * time.Second)
		if calls, failures := stop(); failures > 0 {
			t.Errorf("%d of %d calls failed", failures, calls)
		}
		s.close()
		if got := s.catalog.Stats().SnapshotWrites; got != 1 {
			t.Errorf("%d writes of the snapshot, want 1", got)
		}

		r.Fail(nil)
		save(t, r, registrytest.API(greeter, 2, 3)) // which no gateway hears of
		r.Fail(errors.New("unplugged"))
		s = newStand(t, broker, catalog.Config{Store: r, Notifier: r.Connect(), Snapshot: openSnapshot(t, dir)})
		s.expect(`{}`, `"field2":"a"`)
		if health := s.catalog.Health(); health.Available || !health.Snapshot || health.SnapshotAPIs != 1 || !strings.Contains(health.Error, "unplugged") {
			t.Errorf("got %+v", health)
		}
		if stats := s.catalog.Stats(); stats.RegistryAvailable || stats.Snapshot != 1 || stats.FromSnapshot != 1 {
			t.Errorf("got %+v", stats)
		}
		worker.stop()
		s.refuse(`{}`, runtime.ErrNoQueue)
		if policy := s.catalog.Loaded("greeter", "1.0").Policy; policy.GetDefaultResponses()["*"] == "" {
			t.Errorf("the snapshot's policy is %v", policy)
		}

		r.Fail(nil)
		pass(2 * time.Minute) // the last back-off
		if health := s.catalog.Health(); !health.Available || health.Snapshot {
			t.Errorf("got %+v", health)
		}
		startGreeter(t, broker, "b", 3)
		s.expect(`{"field2":"y"}`, `"field3":"b"`)
	})
}

// TestRegistryDownWithoutSnapshot: a worker describes itself, else nobody knows.
func TestRegistryDownWithoutSnapshot(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		broker := memory.NewBroker(memory.Config{})
		r := newRegistry(t)
		save(t, r, registrytest.API(greeter, 1, 3))
		r.Fail(errors.New("unplugged"))
		s := newStand(t, broker, catalog.Config{Store: r, Notifier: r.Connect()})
		s.refuse(`{}`, registry.ErrUnavailable)
		startGreeter(t, broker, "a", 2)
		pass(2 * time.Second) // the failure is not remembered for long
		s.expect(`{"field1":"x"}`, `"field2":"a"`)
		r.Fail(nil)
		pass(2 * time.Minute)
		s.expect(`{"field3":"x"}`, "") // the registry's contract
	})
}

// hangingStore answers nothing until its caller gives up.
type hangingStore struct{ registry.Store }

func (hangingStore) Load(ctx context.Context, _ contract.Key) (*mqrpcv1.Api, error) {
	<-ctx.Done()
	return nil, errors.Join(registry.ErrUnavailable, ctx.Err())
}

func (hangingStore) Heads(ctx context.Context, _ []contract.Key) ([]registry.Head, error) {
	<-ctx.Done()
	return nil, errors.Join(registry.ErrUnavailable, ctx.Err())
}

// TestRegistryHangs: it delays the first call, and fails none.
func TestRegistryHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		broker := memory.NewBroker(memory.Config{})
		startGreeter(t, broker, "a", 1)
		s := newStand(t, broker, catalog.Config{Store: hangingStore{newRegistry(t)}})
		began := time.Now()
		s.expect(`{}`, "")
		if took := time.Since(began); took > 2*catalog.DefaultStepTimeout {
			t.Errorf("it took %s", took)
		}
	})
}

// TestSnapshotOfWorkers: without a registry, too, a known API is known after a
// restart.
func TestSnapshotOfWorkers(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		broker := memory.NewBroker(memory.Config{})
		worker := startGreeter(t, broker, "a", 1)
		s := newStand(t, broker, catalog.Config{Snapshot: openSnapshot(t, dir)})
		s.expect(`{}`, "")
		s.close()
		worker.stop()
		s = newStand(t, broker, catalog.Config{Snapshot: openSnapshot(t, dir)})
		s.refuse(`{}`, runtime.ErrNoQueue)
		// The worker comes back with another revision.
		startGreeter(t, broker, "b", 2).announce(false)
		s.expect(`{"field1":"x","field2":"y"}`, `"field2":"b"`)
	})
}

func TestSnapshotFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		broker := memory.NewBroker(memory.Config{})
		startGreeter(t, broker, "a", 1)
		s := newStand(t, broker, catalog.Config{Snapshot: brokenSnapshot{}})
		s.expect(`{}`, "")
		synctest.Wait()
		if got := s.catalog.Stats(); got.SnapshotFailures != 1 || got.SnapshotWrites != 0 {
			t.Errorf("got %+v", got)
		}
	})
}

type brokenSnapshot struct{}

func (brokenSnapshot) Put(*mqrpcv1.Api) error { return errors.New("the disk is full") }

func (brokenSnapshot) Get(contract.Key) (*mqrpcv1.Api, time.Time, error) {
	return nil, time.Time{}, registry.ErrCorrupt
}

// TestSnapshotHangs: a disk that hangs holds neither callers nor changes up, and
// the end not longer than it may take.
func TestSnapshotHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		broker := memory.NewBroker(memory.Config{})
		startGreeter(t, broker, "a", 1)
		r := newRegistry(t)
		hanging := hangingSnapshot{until: make(chan struct{})}
		save(t, r, registrytest.API(greeter, 1, 1))
		c, err := catalog.New(catalog.Config{Store: r, Notifier: r, Snapshot: hanging})
		if err != nil {
			t.Fatal(err)
		}
		for i := range 3 {
			if i > 0 {
				push(t, r, registrytest.API(greeter, int64(i+1), i+1))
			}
			if api, err := c.API(t.Context(), "greeter", "1.0"); err != nil ||
				api.Services[0].Methods[0].Request.ProtoReflect().Descriptor().Fields().Len() != i+1 {
				t.Errorf("state %d: got %v, %v", i, api, err)
			}
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := c.Close(ctx); !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), "1 APIs are not in the snapshot") {
			t.Errorf("got %v", err)
		}
		close(hanging.until)
	})
}

type hangingSnapshot struct{ until chan struct{} }

func (s hangingSnapshot) Put(*mqrpcv1.Api) error { <-s.until; return nil }

func (hangingSnapshot) Get(contract.Key) (*mqrpcv1.Api, time.Time, error) {
	return nil, time.Time{}, registry.ErrNotFound
}
