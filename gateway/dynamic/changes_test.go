package dynamic_test

import (
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/mqrpc/mqrpc/contract"
	wxappv1 "github.com/mqrpc/mqrpc/examples/wxapp/proto/wxapp/v1"
	"github.com/mqrpc/mqrpc/gateway"
	"github.com/mqrpc/mqrpc/gateway/dynamic"
	mqrpcv1 "github.com/mqrpc/mqrpc/proto/mqrpc/v1"
	"github.com/mqrpc/mqrpc/registry"
	"github.com/mqrpc/mqrpc/registry/registrytest"
	"github.com/mqrpc/mqrpc/runtime"
	"github.com/mqrpc/mqrpc/runtime/memory"
)

// push announces a state and saves it, as a publisher does.
func push(t *testing.T, r interface {
	registry.Store
	registry.Notifier
}, api *mqrpcv1.Api) {
	t.Helper()
	if err := r.Announce(t.Context(), api); err != nil {
		t.Fatal(err)
	}
	save(t, r, api)
	synctest.Wait()
}

// traffic calls Greet for ever, from several sides, and counts what is not 200.
func (s *stand) traffic(content string) (stop func() (calls, failures int64)) {
	var calls, failures atomic.Int64
	done := make(chan struct{})
	var callers sync.WaitGroup
	for range 8 {
		callers.Go(func() {
			for {
				select {
				case <-done:
					return
				case <-time.After(time.Millisecond):
				}
				calls.Add(1)
				if w := s.call(greeter, "Greeter.Greet", content); w.Code != 200 {
					failures.Add(1)
					s.Logf("got %d %s", w.Code, w.Body)
				}
			}
		})
	}
	return func() (int64, int64) {
		close(done)
		callers.Wait()
		return calls.Load(), failures.Load()
	}
}

// TestHotReloadFromWorkers: a new revision takes effect under traffic, and the
// first revision is the one of the instance that started last.
func TestHotReloadFromWorkers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		broker := memory.NewBroker(memory.Config{})
		s := newStand(t, broker, dynamic.Config{})
		old := startGreeter(t, broker, "old", 1)
		old.announce(false)
		s.expect(`{"field1":"x"}`, 200, `{"field1":"old"}`)
		s.expect(`{"field2":"x"}`, 400, gateway.ReasonInvalidBizContent)
		stop := s.traffic(`{"field1":"x"}`)
		pass(time.Second)
		latest := startGreeter(t, broker, "new", 2)
		latest.announce(false)
		pass(time.Second)
		old.announce(true)
		old.stop()
		pass(time.Second)
		if calls, failures := stop(); failures > 0 || calls < 1000 {
			t.Errorf("%d of %d calls failed", failures, calls)
		}
		s.expect(`{"field1":"x","field2":"y"}`, 200, `{"field1":"x","field2":"new"}`)
		if got := s.apis.Stats().Replaced; got != 1 {
			t.Errorf("%d states took another's place, want 1", got)
		}
	})
}

// TestRollingUpgrade: two revisions behind one queue, for a long time.
func TestRollingUpgrade(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		broker := memory.NewBroker(memory.Config{})
		s := newStand(t, broker, dynamic.Config{})
		old := startGreeter(t, broker, "old", 1)
		old.announce(false)
		s.expect(`{"field1":"x"}`, 200, `{"field1":"old"}`)
		pass(time.Second)

		// The gateway has the old revision, and the new worker answers, too: its
		// further field is left out.
		latest := startGreeter(t, broker, "new", 2)
		for range 10 {
			if w := s.call(greeter, "Greeter.Greet", `{"field1":"x"}`); w.Body.String() != `{"field1":"x"}` && w.Body.String() != `{"field1":"old"}` {
				t.Errorf("the gateway is old: got %d %s", w.Code, w.Body)
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
				w := s.call(greeter, "Greeter.Greet", `{"field1":"x","field2":"y"}`)
				if w.Code != 200 {
					t.Errorf("the gateway is new: got %d %s", w.Code, w.Body)
				}
				bodies[w.Body.String()]++
			}
			pass(5 * time.Second)
		}
		if bodies[`{"field1":"old"}`] == 0 || bodies[`{"field1":"x","field2":"new"}`] == 0 || len(bodies) != 2 {
			t.Errorf("got %v", bodies)
		}
		if got := s.apis.Stats().Replaced; got != 1 {
			t.Errorf("%d states took another's place, want 1: it flaps", got)
		}

		// The new one goes: back to the old revision.
		latest.announce(true)
		latest.stop()
		pass(time.Second)
		s.expect(`{"field2":"y"}`, 400, gateway.ReasonInvalidBizContent)
		s.expect(`{"field1":"x"}`, 200, `{"field1":"old"}`)
	})
}

// TestNewestStartedDecides whichever answers and announces first.
func TestNewestStartedDecides(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		broker := memory.NewBroker(memory.Config{})
		s := newStand(t, broker, dynamic.Config{})
		old := startGreeter(t, broker, "z-old", 1)
		pass(time.Second)
		latest := startGreeter(t, broker, "a-new", 2)
		latest.announce(false)
		old.announce(false)
		for range 3 {
			if w := s.call(greeter, "Greeter.Greet", `{}`); w.Code != 200 {
				t.Errorf("got %d %s", w.Code, w.Body)
			}
			synctest.Wait()
		}
		s.expect(`{"field2":"y"}`, 200, "")
		// It dies without a word: once its announcement is out of date, the old
		// revision is back.
		latest.stop()
		for range 5 {
			old.announce(false)
			pass(5 * time.Second)
		}
		s.expect(`{"field2":"y"}`, 400, gateway.ReasonInvalidBizContent)
	})
}

// TestRegistryOverWorkers: what workers said yields to what the registry says,
// and then they change nothing.
func TestRegistryOverWorkers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		broker := memory.NewBroker(memory.Config{})
		r := newRegistry(t)
		s := newStand(t, broker, dynamic.Config{Store: r, Notifier: r})
		worker := startGreeter(t, broker, "a", 2)
		worker.announce(false)
		s.expect(`{"field2":"y"}`, 200, "")
		stop := s.traffic(`{"field1":"x"}`)
		pass(100 * time.Millisecond)
		push(t, r, registrytest.API(greeter, 1, 3))
		s.expect(`{"field3":"z"}`, 200, `"field2":"a"`)
		worker.announce(false)
		pass(time.Second)
		s.expect(`{"field3":"z"}`, 200, "")
		if calls, failures := stop(); failures > 0 {
			t.Errorf("%d of %d calls failed", failures, calls)
		}
		// Disabled, with something to answer.
		disabled := registrytest.API(greeter, 2, 3)
		disabled.Policy = &mqrpcv1.Policy{Disabled: true, DefaultResponses: map[string]string{"*": `{"field1":"stand-in"}`}}
		push(t, r, disabled)
		if w := s.expect(`{}`, 200, "stand-in"); w.Header().Get(gateway.DefaultResponseHeader) != gateway.DefaultBecauseDisabled {
			t.Errorf("got %v", w.Header())
		}
		// Deleted: unknown, though a worker serves it. And back again.
		push(t, r, registrytest.Tombstone(disabled))
		s.expect(`{}`, 404, gateway.ReasonUnknownVersion)
		pass(7 * time.Second)
		s.expect(`{}`, 404, "")
		pass(time.Second)
		push(t, r, registrytest.API(greeter, 4, 4))
		s.expect(`{"field4":"z"}`, 200, "")
	})
}

// TestStaticTakesPolicies: the contract that is compiled in stays.
func TestStaticTakesPolicies(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		broker := memory.NewBroker(memory.Config{})
		startWxapp(t, broker)
		r := newRegistry(t)
		s := newStand(t, broker, dynamic.Config{Static: []*runtime.Service{wxappv1.WxappManager_Service}, Store: r, Notifier: r})
		wxapp := contract.Key{Module: "wxapp", Version: "1.0"}
		call := func() (int, string) {
			w := s.call(wxapp, "WxappManager.SessionKey", `{"Code":"YQ=="}`)
			return w.Code, w.Body.String()
		}
		if status, body := call(); status != 200 {
			t.Errorf("got %d %s", status, body)
		}
		api := registrytest.API(wxapp, 1, 1) // another contract
		api.Policy = &mqrpcv1.Policy{Disabled: true, Timeout: durationpb.New(time.Second), DefaultResponses: map[string]string{"*": `{"No":1}`}}
		push(t, r, api)
		if status, body := call(); status != 503 || !strings.Contains(body, gateway.ReasonDisabled) {
			t.Errorf("disabled: got %d %s", status, body)
		}
		if got := s.get(s.apis.Admin(), "/apis/wxapp/1.0").Body.String(); !strings.Contains(got, `"source": "static"`) ||
			!strings.Contains(got, `"problems"`) || !strings.Contains(got, `"timeout": "1s"`) {
			t.Errorf("got %s", got)
		}
		push(t, r, registrytest.Tombstone(api))
		if status, body := call(); status != 200 {
			t.Errorf("the policy is deleted: got %d %s", status, body)
		}
		pass(time.Hour)
		if status, body := call(); status != 200 {
			t.Errorf("idle: got %d %s", status, body)
		}
	})
}

// TestSilentWorker: the default response stands in, and else 504.
func TestSilentWorker(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		broker := memory.NewBroker(memory.Config{})
		r := newRegistry(t)
		api := registrytest.API(greeter, 1, 1)
		api.Policy = &mqrpcv1.Policy{Timeout: durationpb.New(3 * time.Second)}
		save(t, r, api)
		s := newStand(t, broker, dynamic.Config{Store: r, Notifier: r})
		worker := startGreeter(t, broker, "a", 1)
		worker.silent.Store(true)
		began := time.Now()
		s.expect(`{}`, 504, "")
		if took := time.Since(began); took < 3*time.Second || took > 3100*time.Millisecond {
			t.Errorf("it took %s", took)
		}
		api = registrytest.API(greeter, 2, 1)
		api.Policy = &mqrpcv1.Policy{Timeout: durationpb.New(time.Second), DefaultResponses: map[string]string{"Greeter.Greet": `{"field1":"later"}`}}
		push(t, r, api)
		if w := s.expect(`{}`, 200, "later"); w.Header().Get(gateway.DefaultResponseHeader) != gateway.DefaultBecauseSilent {
			t.Errorf("got %v", w.Header())
		}
		worker.stop()
		if w := s.expect(`{}`, 200, "later"); w.Header().Get(gateway.DefaultResponseHeader) != gateway.DefaultBecauseAbsent {
			t.Errorf("got %v", w.Header())
		}
	})
}
