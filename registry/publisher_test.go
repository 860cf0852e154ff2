package registry_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/mqrpc/mqrpc/contract"
	mqrpcv1 "github.com/mqrpc/mqrpc/proto/mqrpc/v1"
	"github.com/mqrpc/mqrpc/registry"
	"github.com/mqrpc/mqrpc/registry/memory"
	"github.com/mqrpc/mqrpc/registry/registrytest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var key = contract.Key{Module: "wxapp", Version: "1.0"}

// faulty is a registry whose halves fail when told to.
type faulty struct {
	*memory.Registry

	mu        sync.Mutex
	calls     []string
	announce  error
	save      error
	saveFirst func() // runs before a save, once
}

func (f *faulty) Announce(ctx context.Context, api *mqrpcv1.Api) error {
	f.mu.Lock()
	f.calls = append(f.calls, "announce")
	err := f.announce
	f.mu.Unlock()
	if err != nil {
		return err
	}
	return f.Registry.Announce(ctx, api)
}

func (f *faulty) Save(ctx context.Context, api *mqrpcv1.Api) error {
	f.mu.Lock()
	f.calls = append(f.calls, "save")
	err, first := f.save, f.saveFirst
	f.saveFirst = nil
	f.mu.Unlock()
	if first != nil {
		first()
	}
	if err != nil {
		return err
	}
	return f.Registry.Save(ctx, api)
}

func (f *faulty) made() string {
	f.mu.Lock()
	defer f.mu.Unlock()
	calls := strings.Join(f.calls, " ")
	f.calls = nil
	return calls
}

func publisher(t *testing.T) (*registry.Publisher, *faulty) {
	t.Helper()
	f := &faulty{Registry: memory.New()}
	t.Cleanup(func() { _ = f.Close() })
	p, err := registry.NewPublisher(registry.PublisherConfig{Store: f, Notifier: f, ChangedBy: "test"})
	if err != nil {
		t.Fatal(err)
	}
	return p, f
}

// stored checks what the store holds.
func stored(t *testing.T, f *faulty, sequence int64, revision string) *mqrpcv1.Api {
	t.Helper()
	api, err := f.Load(t.Context(), key)
	if err != nil || api.GetSequence() != sequence || api.GetRevision() != revision {
		t.Fatalf("stored is sequence %d, revision %s; want %d, %s; error %v", api.GetSequence(), api.GetRevision(), sequence, revision, err)
	}
	return api
}

func TestPush(t *testing.T) {
	p, f := publisher(t)
	first, second := registrytest.API(key, 0, 1), registrytest.API(key, 0, 2)
	result, err := p.Push(t.Context(), first, false)
	if err != nil || !result.Changed || !result.Announced || !result.Saved || f.made() != "announce save" {
		t.Fatalf("push: %+v, error %v", result, err)
	}
	stored(t, f, 1, first.GetRevision())

	// The same again is announced again, and saved no more.
	result, err = p.Push(t.Context(), first, false)
	if err != nil || result.Changed || !result.Saved || f.made() != "announce" {
		t.Fatalf("push again: %+v, error %v", result, err)
	}
	if _, err = p.SetEnabled(t.Context(), key, false); err != nil {
		t.Fatal(err)
	}
	if _, err = p.Push(t.Context(), second, false); err != nil {
		t.Fatal(err)
	}
	api := stored(t, f, 3, second.GetRevision())
	if !api.GetPolicy().GetDisabled() || api.GetChangedBy() != "test" || api.GetChanged() == nil {
		t.Errorf("a push has changed the policy, or does not say who made it: %v %q", api.GetPolicy(), api.GetChangedBy())
	}
}

func TestPushIncompatible(t *testing.T) {
	p, f := publisher(t)
	two, one := registrytest.API(key, 0, 2), registrytest.API(key, 0, 1)
	if _, err := p.Push(t.Context(), two, false); err != nil {
		t.Fatal(err)
	}
	f.made()
	result, err := p.Push(t.Context(), one, false)
	if !errors.Is(err, registry.ErrIncompatible) || len(result.Breaks) != 1 || f.made() != "" {
		t.Fatalf("got error %v, breaks %v", err, result.Breaks)
	}
	for _, part := range []string{"greeter.proto", "greeter.v1.Greeting.field2", "FIELD_REMOVED"} {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("the error %q does not name %s", err, part)
		}
	}
	stored(t, f, 1, two.GetRevision())
	if result, err = p.Push(t.Context(), one, true); err != nil || len(result.Breaks) != 1 {
		t.Fatalf("by force: got error %v, breaks %v", err, result.Breaks)
	}
	stored(t, f, 2, one.GetRevision())
	if _, err = p.Delete(t.Context(), key); err != nil {
		t.Fatal(err)
	}
	if _, err = p.Push(t.Context(), registrytest.API(key, 0, 1), false); err != nil {
		t.Fatalf("push what was deleted: %v", err)
	}
}

func TestRollback(t *testing.T) {
	p, f := publisher(t)
	one, two := registrytest.API(key, 0, 1), registrytest.API(key, 0, 2)
	for _, api := range []*mqrpcv1.Api{one, two} {
		if _, err := p.Push(t.Context(), api, false); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := p.Rollback(t.Context(), key, one.GetRevision(), false); !errors.Is(err, registry.ErrIncompatible) {
		t.Fatalf("got error %v, want %v", err, registry.ErrIncompatible)
	}
	for range 2 {
		if _, err := p.Rollback(t.Context(), key, one.GetRevision(), true); err != nil {
			t.Fatal(err)
		}
		if !stored(t, f, 3, one.GetRevision()).GetPinned() {
			t.Error("what was rolled back to is not pinned")
		}
	}
	// Pushing the same contract ends the pin, unless that asks for one, too.
	if _, err := p.Push(t.Context(), one, false); err != nil || stored(t, f, 4, one.GetRevision()).GetPinned() {
		t.Errorf("after a push: %v", err)
	}
	pinned := registrytest.API(key, 0, 2)
	pinned.Pinned = true
	if _, err := p.Push(t.Context(), pinned, false); err != nil || !stored(t, f, 5, two.GetRevision()).GetPinned() {
		t.Errorf("after a push with a pin: %v", err)
	}
	if _, err := p.SetEnabled(t.Context(), key, false); err != nil || !stored(t, f, 6, two.GetRevision()).GetPinned() {
		t.Errorf("a change of policy ends the pin: %v", err)
	}
	if _, err := p.Rollback(t.Context(), key, "0123", true); !errors.Is(err, registry.ErrNotFound) {
		t.Fatalf("got error %v, want %v", err, registry.ErrNotFound)
	}
}

func TestUnknownAPI(t *testing.T) {
	p, f := publisher(t)
	calls := map[string]func() (registry.Result, error){
		"Delete":     func() (registry.Result, error) { return p.Delete(t.Context(), key) },
		"SetEnabled": func() (registry.Result, error) { return p.SetEnabled(t.Context(), key, true) },
		"Rollback":   func() (registry.Result, error) { return p.Rollback(t.Context(), key, "x", true) },
	}
	for name, call := range calls {
		if _, err := call(); !errors.Is(err, registry.ErrNotFound) || f.made() != "" {
			t.Errorf("%s: got error %v, want %v", name, err, registry.ErrNotFound)
		}
	}
}

func TestSetPolicy(t *testing.T) {
	p, f := publisher(t)
	api := registrytest.API(key, 0, 1)
	if _, err := p.Push(t.Context(), api, false); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		_, err := p.SetPolicy(t.Context(), key, func(policy *mqrpcv1.Policy) error {
			policy.Timeout = durationpb.New(3 * time.Second)
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		stored(t, f, 2, api.GetRevision())
	}
	_, err := p.SetPolicy(t.Context(), key, func(policy *mqrpcv1.Policy) error {
		policy.Timeout = durationpb.New(-time.Second)
		return nil
	})
	if !errors.Is(err, registry.ErrInvalid) {
		t.Errorf("got error %v, want %v", err, registry.ErrInvalid)
	}
	stored(t, f, 2, api.GetRevision())
}

// TestHalvesFail has each half fail alone, and both. Running it again converges.
func TestHalvesFail(t *testing.T) {
	down := errors.Join(registry.ErrUnavailable, errors.New("pulled the plug"))
	for _, c := range []struct {
		name             string
		announce, save   error
		announced, saved bool
		says, again      string
	}{
		{"the announcement", down, nil, false, true, "saved, but not announced", "announce"},
		{"the save", nil, down, true, false, "announced, but it is not certain that it was saved", "announce save"},
		{"both", down, down, false, false, "not announced, and it is not certain that it was saved", "announce save"},
	} {
		t.Run(c.name, func(t *testing.T) {
			p, f := publisher(t)
			api := registrytest.API(key, 0, 1)
			f.announce, f.save = c.announce, c.save
			result, err := p.Push(t.Context(), api, false)
			if !errors.Is(err, registry.ErrUnavailable) || !strings.Contains(err.Error(), c.says) || !strings.Contains(err.Error(), "run this again") {
				t.Fatalf("got error %v", err)
			}
			if result.Announced != c.announced || result.Saved != c.saved || f.made() != "announce save" {
				t.Fatalf("got %+v", result)
			}
			f.announce, f.save = nil, nil
			result, err = p.Push(t.Context(), api, false)
			if err != nil || !result.Announced || !result.Saved || f.made() != c.again {
				t.Fatalf("run again: %+v, error %v", result, err)
			}
			stored(t, f, 1, api.GetRevision())
		})
	}
}

// TestOthersWrite has somebody else write between the load and the save.
func TestOthersWrite(t *testing.T) {
	p, f := publisher(t)
	other, _ := registry.NewPublisher(registry.PublisherConfig{Store: f.Registry})
	api := registrytest.API(key, 0, 1)
	if _, err := p.Push(t.Context(), api, false); err != nil {
		t.Fatal(err)
	}
	f.saveFirst = func() {
		if _, err := other.SetPolicy(t.Context(), key, func(policy *mqrpcv1.Policy) error {
			policy.DefaultResponses = map[string]string{"*": "{}"}
			return nil
		}); err != nil {
			t.Error(err)
		}
	}
	if _, err := p.SetEnabled(t.Context(), key, false); err != nil {
		t.Fatal(err)
	}
	got := stored(t, f, 3, api.GetRevision())
	if !got.GetPolicy().GetDisabled() || got.GetPolicy().GetDefaultResponses()["*"] != "{}" {
		t.Errorf("one of two changes was lost: %v", got.GetPolicy())
	}
}
