package dynamic_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/mqrpc/mqrpc/contract"
	"github.com/mqrpc/mqrpc/gateway"
	"github.com/mqrpc/mqrpc/gateway/dynamic"
	mqrpcv1 "github.com/mqrpc/mqrpc/proto/mqrpc/v1"
	"github.com/mqrpc/mqrpc/registry"
	"github.com/mqrpc/mqrpc/registry/disk"
	"github.com/mqrpc/mqrpc/registry/registrytest"
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
		s := newStand(t, broker, dynamic.Config{Store: r, Notifier: r.Connect(), Snapshot: openSnapshot(t, dir)})
		s.expect(`{}`, 200, `"field2":"a"`)

		r.Fail(errors.New("unplugged"))
		stop := s.traffic(`{}`)
		pass(2 * time.Second)
		if calls, failures := stop(); failures > 0 {
			t.Errorf("%d of %d calls failed", failures, calls)
		}
		s.close()
		if got := s.apis.Stats().SnapshotWrites; got != 1 {
			t.Errorf("%d writes of the snapshot, want 1", got)
		}

		r.Fail(nil)
		save(t, r, registrytest.API(greeter, 2, 3)) // which no gateway hears of
		r.Fail(errors.New("unplugged"))
		s = newStand(t, broker, dynamic.Config{Store: r, Notifier: r.Connect(), Snapshot: openSnapshot(t, dir)})
		s.expect(`{}`, 200, `"field2":"a"`)
		w := s.get(s.gateway, "/readyz")
		if body := w.Body.String(); w.Code != 200 || !strings.Contains(body, `"snapshot":true,"snapshotApis":1`) || !strings.Contains(body, "unplugged") {
			t.Errorf("got %d %s", w.Code, body)
		}
		if stats := s.apis.Stats(); stats.RegistryAvailable || stats.Snapshot != 1 || stats.FromSnapshot != 1 {
			t.Errorf("got %+v", stats)
		}
		worker.stop()
		if w := s.expect(`{}`, 200, "stand-in"); w.Header().Get(gateway.DefaultResponseHeader) != gateway.DefaultBecauseAbsent {
			t.Errorf("the snapshot's policy: %v", w.Header())
		}

		r.Fail(nil)
		pass(2 * time.Minute) // the last back-off
		if got := s.get(s.gateway, "/readyz").Body.String(); !strings.Contains(got, `"available":true`) {
			t.Errorf("got %s", got)
		}
		startGreeter(t, broker, "b", 3)
		s.expect(`{"field2":"y"}`, 200, `"field3":"b"`)
	})
}

// TestRegistryDownWithoutSnapshot: a worker describes itself, else it is 503.
func TestRegistryDownWithoutSnapshot(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		broker := memory.NewBroker(memory.Config{})
		r := newRegistry(t)
		save(t, r, registrytest.API(greeter, 1, 3))
		r.Fail(errors.New("unplugged"))
		s := newStand(t, broker, dynamic.Config{Store: r, Notifier: r.Connect()})
		s.expect(`{}`, 503, gateway.ReasonLookupFailed)
		startGreeter(t, broker, "a", 2)
		pass(2 * time.Second) // the failure is not remembered for long
		s.expect(`{"field1":"x"}`, 200, `"field2":"a"`)
		r.Fail(nil)
		pass(2 * time.Minute)
		s.expect(`{"field3":"x"}`, 200, "") // the registry's contract
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
		s := newStand(t, broker, dynamic.Config{Store: hangingStore{newRegistry(t)}})
		began := time.Now()
		s.expect(`{}`, 200, "")
		if took := time.Since(began); took > 2*dynamic.DefaultStepTimeout {
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
		s := newStand(t, broker, dynamic.Config{Snapshot: openSnapshot(t, dir)})
		s.expect(`{}`, 200, "")
		s.close()
		worker.stop()
		s = newStand(t, broker, dynamic.Config{Snapshot: openSnapshot(t, dir)})
		s.expect(`{}`, 503, gateway.ReasonNoWorker)
		// The worker comes back with another revision.
		startGreeter(t, broker, "b", 2).announce(false)
		s.expect(`{"field1":"x","field2":"y"}`, 200, `"field2":"b"`)
	})
}

func TestSnapshotFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		broker := memory.NewBroker(memory.Config{})
		startGreeter(t, broker, "a", 1)
		s := newStand(t, broker, dynamic.Config{Snapshot: brokenSnapshot{}})
		s.expect(`{}`, 200, "")
		synctest.Wait()
		if got := s.apis.Stats(); got.SnapshotFailures != 1 || got.SnapshotWrites != 0 {
			t.Errorf("got %+v", got)
		}
	})
}

type brokenSnapshot struct{}

func (brokenSnapshot) Put(*mqrpcv1.Api) error { return errors.New("the disk is full") }

func (brokenSnapshot) Get(contract.Key) (*mqrpcv1.Api, time.Time, error) {
	return nil, time.Time{}, registry.ErrCorrupt
}
