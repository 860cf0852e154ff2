package catalog_test

import (
	"encoding/json"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/mqrpc/mqrpc/catalog"
	"github.com/mqrpc/mqrpc/contract"
	mqrpcv1 "github.com/mqrpc/mqrpc/proto/mqrpc/v1"
	"github.com/mqrpc/mqrpc/registry/registrytest"
	"github.com/mqrpc/mqrpc/runtime/memory"
)

// body reads an answer of the admin handler.
func body[T any](s *stand, path string) T {
	s.Helper()
	w := s.get(path)
	var value T
	if w.Code != http.StatusOK {
		s.Fatalf("%s: got %d %s", path, w.Code, w.Body)
	}
	if err := json.Unmarshal(w.Body.Bytes(), &value); err != nil {
		s.Fatalf("%s: %v in %s", path, err, w.Body)
	}
	return value
}

func TestAdmin(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		broker := memory.NewBroker(memory.Config{})
		r := newRegistry(t)
		s := newStand(t, broker, catalog.Config{Store: r, Notifier: r})
		worker := startGreeter(t, broker, "a", 1)
		worker.announce(false)

		announced := catalog.APISummary{Module: "greeter", Version: "1.0", Instances: 1, Revisions: []catalog.RevisionSummary{{Revision: worker.contract.GetRevision(), Instances: 1}}}
		if diff := cmp.Diff(catalog.APIList{APIs: []catalog.APISummary{announced}}, body[catalog.APIList](s, "/apis")); diff != "" {
			t.Errorf("announced, not loaded (-want +got):\n%s", diff)
		}

		api := registrytest.API(greeter, 1, 2)
		api.Policy = &mqrpcv1.Policy{Timeout: durationpb.New(3 * time.Second), DefaultResponses: map[string]string{"*": `{"no":1}`}}
		save(t, r, api)
		s.expect(`{}`, "")
		loaded := announced
		loaded.Loaded, loaded.Source, loaded.Revision, loaded.Sequence = true, catalog.FromRegistry, api.GetRevision(), 1
		loaded.Registry = api.GetRevision()
		loaded.Services, loaded.Since, loaded.LastUsed = []string{"greeter.v1.Greeter"}, time.Now(), time.Now()
		got := body[catalog.APIDetail](s, "/apis/greeter/1.0")
		want := catalog.APIDetail{
			APISummary: loaded,
			Methods: []catalog.MethodDetail{{
				Name: "Greeter.Greet", Request: "greeter.v1.Greeting", Response: "greeter.v1.Greeting",
				Idempotency: "IDEMPOTENCY_UNKNOWN", Timeout: "3s",
			}},
			Workers: []catalog.Instance{{
				Instance: "a", Revision: worker.contract.GetRevision(), Host: "host-a", PID: 7, Language: "go",
				Started: worker.started, Seen: time.Now(), Expires: time.Now().Add(15 * time.Second), Running: 1,
			}},
		}
		ignored := cmpopts.IgnoreFields(catalog.APIDetail{}, "Problems", "Policy")
		if diff := cmp.Diff(want, got, ignored, cmpopts.EquateApproxTime(time.Second)); diff != "" {
			t.Errorf("loaded (-want +got):\n%s", diff)
		}
		var policy map[string]any
		if err := json.Unmarshal(got.Policy, &policy); err != nil || policy["timeout"] != "3s" {
			t.Errorf("policy %s: %v", got.Policy, err)
		}
		if len(got.Problems) != 1 {
			t.Errorf("problems %q", got.Problems)
		}
		pass(20 * time.Second)
		if got := body[catalog.APIDetail](s, "/apis/greeter/1.0"); len(got.Workers) != 0 {
			t.Errorf("gone: %+v", got.Workers)
		}
	})
}

func TestAdminPages(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRegistry(t)
		s := newStand(t, memory.NewBroker(memory.Config{}), catalog.Config{Store: r})
		for _, module := range []string{"c", "a", "b"} {
			key := contract.Key{Module: module, Version: "1"}
			save(t, r, registrytest.API(key, 1, 1))
			if _, err := s.catalog.API(t.Context(), key.Module, key.Version); err != nil {
				t.Fatal(err)
			}
		}
		first := body[catalog.APIList](s, "/apis?limit=2")
		if len(first.APIs) != 2 || first.APIs[0].Module != "a" || first.Next != "b/1" {
			t.Errorf("got %+v", first)
		}
		second := body[catalog.APIList](s, "/apis?limit=2&after="+first.Next)
		if len(second.APIs) != 1 || second.APIs[0].Module != "c" || second.Next != "" {
			t.Errorf("got %+v", second)
		}
	})
}

func TestAdminRefuses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStand(t, memory.NewBroker(memory.Config{}), catalog.Config{})
		for path, status := range map[string]int{
			"/apis?limit=0": 400, "/apis?limit=x": 400, "/apis?limit=10001": 400, "/apis?after=x": 400,
			"/apis/no/1": 404, "/apis/no": 404, "/": 404,
		} {
			if w := s.get(path); w.Code != status {
				t.Errorf("%s: got %d %s, want %d", path, w.Code, w.Body, status)
			}
		}
	})
}
