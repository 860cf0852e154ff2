package backend

import (
	"context"
	"errors"
	"log/slog"
	"path/filepath"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/mqrpc/mqrpc/contract"
	"github.com/mqrpc/mqrpc/registry"
	"github.com/mqrpc/mqrpc/registry/memory"
	runtimememory "github.com/mqrpc/mqrpc/runtime/memory"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func discard() Options { return Options{Logger: slog.New(slog.DiscardHandler)} }

// open opens a registry until the test ends.
func open(t *testing.T, text string, options Options) *Backend {
	t.Helper()
	location, err := Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	opened, err := location.Open(t.Context(), options)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := opened.Close(); err != nil {
			t.Error(err)
		}
	})
	return opened
}

func TestOpen(t *testing.T) {
	if opened := open(t, "none", discard()); opened.Store != nil {
		t.Error("none has a store")
	}
	opened := open(t, "sqlite:"+filepath.Join(t.TempDir(), "a", "registry.db"), discard())
	if heads, err := opened.Store.List(t.Context(), registry.ListQuery{}); err != nil || len(heads) != 0 {
		t.Errorf("got %v, %v", heads, err)
	}
	for _, text := range []string{"zookeeper://127.0.0.1:1/root", "etcd://127.0.0.1:1/prefix", "etcds://127.0.0.1:1"} {
		opened := open(t, text, discard())
		notifier, err := opened.Notifier(Watch, nil, slog.Default())
		if err != nil || notifier == nil {
			t.Errorf("%s: %v, %v", text, notifier, err)
		}
	}
}

// TestPatience: a database that is down fails a command, and not a gateway.
func TestPatience(t *testing.T) {
	const nobody = "postgres://me:s3cret@127.0.0.1:1/mqrpc"
	location, err := Parse(nobody)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := location.Open(t.Context(), discard()); !errors.Is(err, registry.ErrUnavailable) {
		t.Errorf("got %v", err)
	}
	options := discard()
	options.Patient = true
	opened := open(t, nobody, options)
	if _, err := opened.Store.Load(t.Context(), contract.Key{Module: "a", Version: "1"}); !errors.Is(err, registry.ErrUnavailable) {
		t.Errorf("got %v", err)
	}
}

func TestNotifiers(t *testing.T) {
	opened := open(t, "sqlite:"+filepath.Join(t.TempDir(), "registry.db"), discard())
	if notifier, err := opened.Notifier(Poll, nil, slog.Default()); notifier != nil || err != nil {
		t.Errorf("poll: got %v, %v", notifier, err)
	}
	if _, err := opened.Notifier(Broadcast, nil, slog.Default()); err == nil {
		t.Error("broadcast without a transport")
	}
	transport := runtimememory.NewBroker(runtimememory.Config{}).Connect()
	t.Cleanup(func() { _ = transport.Close(context.Background()) })
	notifier, err := opened.Notifier(Broadcast, transport, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := notifier.Watch(func(registry.Event) {}); err != nil {
		t.Fatal(err)
	}
}

// TestPatientStore: it tries again, but not with every call.
func TestPatientStore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var tries atomic.Int64
		down := true
		store := newPatientStore(func(context.Context) (registry.Store, error) {
			tries.Add(1)
			if down {
				return nil, errors.New("down")
			}
			return memory.New(), nil
		})
		for range 10 {
			if _, err := store.List(t.Context(), registry.ListQuery{}); !errors.Is(err, registry.ErrUnavailable) {
				t.Errorf("got %v", err)
			}
		}
		if got := tries.Load(); got != 1 {
			t.Errorf("%d tries within a second", got)
		}
		down = false
		<-time.After(retryAfter)
		key := contract.Key{Module: "a", Version: "1"}
		if _, err := store.Load(t.Context(), key); !errors.Is(err, registry.ErrNotFound) {
			t.Errorf("got %v", err)
		}
		if _, err := store.LoadAt(t.Context(), key, 1); !errors.Is(err, registry.ErrNotFound) {
			t.Errorf("got %v", err)
		}
		if _, err := store.History(t.Context(), registry.HistoryQuery{Key: key}); !errors.Is(err, registry.ErrNotFound) {
			t.Errorf("got %v", err)
		}
		if heads, err := store.Heads(t.Context(), []contract.Key{key}); err != nil || len(heads) != 0 {
			t.Errorf("got %v, %v", heads, err)
		}
		if err := store.Save(t.Context(), nil); !errors.Is(err, registry.ErrInvalid) {
			t.Errorf("got %v", err)
		}
		if got := tries.Load(); got != 2 {
			t.Errorf("%d tries, want 2", got)
		}
		if err := store.Close(); err != nil {
			t.Error(err)
		}
		if _, err := store.Load(t.Context(), key); !errors.Is(err, registry.ErrClosed) {
			t.Errorf("got %v", err)
		}
	})
}
