package catalog_test

import (
	"errors"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/mqrpc/mqrpc/catalog"
	"github.com/mqrpc/mqrpc/contract"
	wxappv1 "github.com/mqrpc/mqrpc/examples/wxapp/proto/wxapp/v1"
	mqrpcv1 "github.com/mqrpc/mqrpc/proto/mqrpc/v1"
	"github.com/mqrpc/mqrpc/registry/registrytest"
	"github.com/mqrpc/mqrpc/runtime"
	"github.com/mqrpc/mqrpc/runtime/memory"
)

// TestHotReloadFromWorkers: a new revision takes effect under traffic.
func TestHotReloadFromWorkers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		broker := memory.NewBroker(memory.Config{})
		s := newStand(t, broker, catalog.Config{})
		old := startGreeter(t, broker, "old", 1)
		old.announce(false)
		s.expect(`{"field1":"x"}`, `{"field1":"old"}`)
		s.refuse(`{"field2":"x"}`, errRequest)
		stop := s.traffic(`{"field1":"x"}`)
		pass(time.Second)
		latest := startGreeter(t, broker, "new", 2)
		latest.announce(false)
		pass(time.Second)
		old.leave()
		pass(time.Second)
		if calls, failures := stop(); failures > 0 || calls < 1000 {
			t.Errorf("%d of %d calls failed", failures, calls)
		}
		s.expect(`{"field1":"x","field2":"y"}`, `{"field1":"x","field2":"new"}`)
		if got := s.catalog.Stats().Replaced; got != 1 {
			t.Errorf("%d states took another's place, want 1", got)
		}
	})
}

// TestRollingUpgrade: two revisions behind one queue, for a long time.
func TestRollingUpgrade(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		broker := memory.NewBroker(memory.Config{})
		s := newStand(t, broker, catalog.Config{})
		old := startGreeter(t, broker, "old", 1)
		old.announce(false)
		s.expect(`{"field1":"x"}`, `{"field1":"old"}`)
		pass(time.Second)

		// The gateway has the old revision, and the new worker answers, too: its
		// further field is left out.
		latest := startGreeter(t, broker, "new", 2)
		for range 10 {
			if got, err := s.call(greeter, "Greeter.Greet", `{"field1":"x"}`); got != `{"field1":"x"}` && got != `{"field1":"old"}` {
				t.Errorf("the gateway is old: got %s, %v", got, err)
			}
		}
		if old.calls.Load() == 1 || latest.calls.Load() == 0 {
			t.Errorf("the old worker had %d calls, the new one %d", old.calls.Load(), latest.calls.Load())
		}

		// The gateway has the new revision: an old worker passes over the field.
		bodies := map[string]int{}
		for range 12 { // a minute
			latest.announce(false)
			old.announce(false)
			for range 4 {
				got, err := s.call(greeter, "Greeter.Greet", `{"field1":"x","field2":"y"}`)
				if err != nil {
					t.Errorf("the gateway is new: got %s, %v", got, err)
				}
				bodies[got]++
			}
			pass(5 * time.Second)
		}
		if bodies[`{"field1":"old"}`] == 0 || bodies[`{"field1":"x","field2":"new"}`] == 0 || len(bodies) != 2 {
			t.Errorf("got %v", bodies)
		}
		if got := s.catalog.Stats().Replaced; got != 1 {
			t.Errorf("%d states took another's place, want 1: it flaps", got)
		}

		// The new one goes: back to the old revision.
		latest.leave()
		pass(time.Second)
		s.refuse(`{"field2":"y"}`, errRequest)
		s.expect(`{"field1":"x"}`, `{"field1":"old"}`)
	})
}

// TestInstanceDies without a word: once its announcement is out of date, the
// revision that the others serve is back.
func TestInstanceDies(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		broker := memory.NewBroker(memory.Config{})
		s := newStand(t, broker, catalog.Config{})
		old := startGreeter(t, broker, "old", 1)
		latest := startGreeter(t, broker, "new", 2)
		latest.announce(false)
		old.announce(false)
		s.expect(`{"field2":"y"}`, "")
		latest.stop()
		for range 5 {
			old.announce(false)
			pass(5 * time.Second)
		}
		s.refuse(`{"field2":"y"}`, errRequest)
	})
}

// TestRegistryOverWorkers: what workers said yields to what the registry says of
// a contract that succeeds theirs.
func TestRegistryOverWorkers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		broker := memory.NewBroker(memory.Config{})
		r := newRegistry(t)
		s := newStand(t, broker, catalog.Config{Store: r, Notifier: r})
		worker := startGreeter(t, broker, "a", 2)
		worker.announce(false)
		s.expect(`{"field2":"y"}`, "")
		stop := s.traffic(`{"field1":"x"}`)
		pass(100 * time.Millisecond)
		push(t, r, registrytest.API(greeter, 1, 3))
		s.expect(`{"field3":"z"}`, `"field2":"a"`)
		worker.announce(false)
		pass(time.Second)
		s.expect(`{"field3":"z"}`, "")
		if calls, failures := stop(); failures > 0 {
			t.Errorf("%d of %d calls failed", failures, calls)
		}
		disabled := registrytest.API(greeter, 2, 3)
		disabled.Policy = &mqrpcv1.Policy{Disabled: true}
		push(t, r, disabled)
		if api := s.catalog.Loaded("greeter", "1.0"); api == nil || !api.Policy.GetDisabled() {
			t.Errorf("disabled: got %+v", api)
		}
		// Deleted: unknown, though a worker serves it. And back again.
		push(t, r, registrytest.Tombstone(disabled))
		s.refuse(`{}`, catalog.ErrUnknownVersion)
		worker.announce(false)
		s.refuse(`{}`, catalog.ErrUnknownVersion)
		pass(7 * time.Second)
		s.refuse(`{}`, catalog.ErrUnknownVersion)
		pass(time.Second)
		push(t, r, registrytest.API(greeter, 4, 4))
		s.expect(`{"field4":"z"}`, "")
	})
}

// TestStaticTakesPolicies: the contract that is compiled in stays.
func TestStaticTakesPolicies(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		broker := memory.NewBroker(memory.Config{})
		startWxapp(t, broker, slog.New(slog.DiscardHandler))
		r := newRegistry(t)
		s := newStand(t, broker, catalog.Config{Static: []*runtime.Service{wxappv1.WxappManager_Service}, Store: r, Notifier: r})
		wxapp := contract.Key{Module: "wxapp", Version: "1.0"}
		works := func(what string) {
			t.Helper()
			if got, err := s.call(wxapp, "WxappManager.SessionKey", `{"Code":"YQ=="}`); err != nil {
				t.Errorf("%s: got %s, %v", what, got, err)
			}
		}
		works("at first")
		api := registrytest.API(wxapp, 1, 1) // another contract
		api.Policy = &mqrpcv1.Policy{Disabled: true, Timeout: durationpb.New(time.Second), DefaultResponses: map[string]string{"*": `{"No":1}`}}
		push(t, r, api)
		works("another contract in the registry")
		detail := body[catalog.APIDetail](s, "/apis/wxapp/1.0")
		if detail.Source != catalog.FromStatic || len(detail.Problems) == 0 || detail.Methods[0].Timeout != "1s" ||
			!detail.Methods[0].Disabled || detail.Registry != api.GetRevision() || detail.Revision == detail.Registry {
			t.Errorf("got %+v", detail)
		}
		push(t, r, registrytest.Tombstone(api))
		works("the policy is deleted")
		if policy := s.catalog.Known()[0].Policy; policy != nil {
			t.Errorf("the policy is %v", policy)
		}
		pass(time.Hour)
		works("idle")
	})
}

// TestChangesAreTold, each once and in order, to whom the configuration names.
func TestChangesAreTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		broker := memory.NewBroker(memory.Config{})
		r := newRegistry(t)
		var told []catalog.Change
		s := newStand(t, broker, catalog.Config{Store: r, Notifier: r, Changed: func(c catalog.Change) { told = append(told, c) }})
		first, second := registrytest.API(greeter, 1, 1), registrytest.API(greeter, 2, 2)
		save(t, r, first)
		s.refuse(`{}`, runtime.ErrNoWorker)
		push(t, r, second)
		startGreeter(t, broker, "a", 2).announce(false)
		push(t, r, registrytest.Tombstone(second))
		if len(told) != 3 || told[0].Revision != first.GetRevision() || told[1].Registry.Sequence != 2 || !told[2].Registry.Deleted {
			t.Errorf("got %+v", told)
		}
	})
}

// TestDroppedWhileCalled: an API with a call under way stays, however long that
// takes.
func TestDroppedWhileCalled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRegistry(t)
		save(t, r, registrytest.API(greeter, 1, 1))
		s := newStand(t, memory.NewBroker(memory.Config{}), catalog.Config{Store: r})
		api, err := s.catalog.API(t.Context(), greeter.Module, greeter.Version)
		if err != nil || !api.Counter().Enter(1) {
			t.Fatal(errors.Join(err, errors.New("it cannot be called")))
		}
		pass(time.Hour)
		if s.catalog.Loaded("greeter", "1.0") != api {
			t.Error("it is gone, or another one")
		}
		api.Counter().Leave()
		pass(time.Hour)
		if got := s.catalog.Stats(); got.Loaded != 0 {
			t.Errorf("got %+v", got)
		}
	})
}
