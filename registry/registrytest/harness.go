package registrytest

import (
	"slices"
	"testing"
	"time"

	"github.com/mqrpc/mqrpc/registry"
)

// Harness is a backend under test.
type Harness struct {
	// New makes an empty registry for one subtest and cleans up after it.
	// Required.
	New func(t *testing.T) Backend
	// Lacks lists what the backend cannot do, or what cannot be caused here,
	// with the reason.
	Lacks map[Feature]string
	// StoreAlone says that the store has a run of its own, in its own package:
	// what concerns it alone is left out here.
	StoreAlone bool
	// Patience is how long the suite waits for a condition. Default 20 seconds.
	Patience time.Duration

	faultsOnly bool
}

// Backend is one registry. Each call of Store and Notifier connects once more,
// as another process would; the suite closes what it has opened.
type Backend struct {
	// Store opens the store. Nil: the backend is a notifier only.
	Store func(t *testing.T) registry.Store
	// Notifier opens the notifier. Nil: the backend is a store only.
	Notifier func(t *testing.T) registry.Notifier
	// Sever cuts all connections, which may come back at once.
	Sever func(t *testing.T)
	// Expire ends all sessions on the server's side, so that whatever lives in
	// them is gone when the connections come back.
	Expire func(t *testing.T)
	// Stop makes the registry unreachable until Start is called.
	Stop func(t *testing.T)
	// Start ends what Stop began. What was saved is there again.
	Start func(t *testing.T)
}

// Feature is something that not every backend has.
type Feature string

// The features.
const (
	// Sever, Expire and Stop are the faults of [Backend].
	Sever  Feature = "sever"
	Expire Feature = "expire"
	Stop   Feature = "stop"
	// Announce: an announcement is delivered by itself, before its state is
	// saved. Lacking where saving is the announcement.
	Announce Feature = "announce"
)

// Run checks all that the backend is.
func Run(t *testing.T, h Harness) {
	t.Helper()
	if h.Patience == 0 {
		h.Patience = 20 * time.Second
	}
	probe := h.New(t)
	if probe.Store == nil && probe.Notifier == nil {
		t.Fatal("the backend is neither a store nor a notifier")
	}
	if probe.Store != nil && !h.StoreAlone {
		t.Run("Store", func(t *testing.T) { runAll(t, h, storeTests()) })
	}
	if probe.Notifier != nil {
		t.Run("Notifier", func(t *testing.T) { runAll(t, h, notifierTests()) })
	}
	t.Run("Catalog", func(t *testing.T) { runAll(t, h, catalogTests()) })
}

// RunFaults checks only what needs a fault that is not in [Harness.Lacks]: for a
// server of its own, while Run may have a shared one.
func RunFaults(t *testing.T, h Harness) {
	t.Helper()
	h.faultsOnly = true
	Run(t, h)
}

// test is one subtest and what it needs.
type test struct {
	name  string
	needs []Feature
	run   func(*fixture)
}

// isFault reports whether the test needs a fault.
func (t test) isFault() bool {
	return slices.ContainsFunc(t.needs, func(f Feature) bool { return f == Sever || f == Expire || f == Stop })
}

func runAll(t *testing.T, h Harness, tests []test) {
	t.Helper()
	for _, test := range tests {
		if h.faultsOnly && !test.isFault() {
			continue
		}
		t.Run(test.name, func(t *testing.T) {
			for _, feature := range test.needs {
				if reason, lacks := h.Lacks[feature]; lacks {
					t.Skipf("it lacks %q: %s", feature, reason)
				}
			}
			f := newFixture(t, h)
			for _, feature := range test.needs {
				f.require(feature)
			}
			test.run(f)
		})
	}
}

// require fails the test if a fault that it needs is not given.
func (f *fixture) require(feature Feature) {
	f.t.Helper()
	given := map[Feature]bool{
		Sever:    f.backend.Sever != nil,
		Expire:   f.backend.Expire != nil,
		Stop:     f.backend.Stop != nil && f.backend.Start != nil,
		Announce: f.backend.Notifier != nil,
	}
	if !given[feature] {
		f.t.Fatalf("the harness neither gives %q nor lists it in Lacks", feature)
	}
}
