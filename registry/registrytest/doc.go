// Package registrytest is the contract of registry.Store and registry.Notifier
// as a test suite. Every backend passes it, so that catalog.Catalog and
// registry.Publisher may rely on what it checks. It imports no backend.
//
// A backend's own tests call it with a [Harness], which makes empty registries
// and says how to cause faults:
//
//	func TestContract(t *testing.T) {
//		registrytest.Run(t, registrytest.Harness{New: fresh, Lacks: …})
//	}
//
// [Run] has three parts, of which each needs what its backend is: a store, a
// notifier, or both together under a catalog, which is what a gateway sees. A store without a notifier is followed by the poll, a notifier without
// a store borrows registry/memory's.
//
// What a backend cannot do is listed in [Harness.Lacks] with the reason; those
// subtests are skipped with it. A fault that is neither given nor listed fails
// the suite, so that nothing is skipped silently. The suite waits for
// conditions, for at most [Harness.Patience].
//
// Goroutines that a backend leaves behind are found by goleak.VerifyTestMain in
// the backend's tests.
//
// The files, by subject:
//
//	harness.go    Harness, Run
//	fixture.go    a subtest's stores and notifiers, waiting
//	contracts.go  APIs to test with
//	saving.go     save, load, concurrent writers
//	history.go    changes, earlier states, what is kept
//	listing.go    heads, lists, pages, thousands of APIs
//	limits.go     sizes, contexts, close
//	watching.go   watches: what is delivered, and what is not
//	gaps.go       ... nothing is missed between follow and read
//	following.go  a catalog: changes, deletion, order, a snapshot
//	writers.go    ... with writers that meet, or fail half-way
//	faults.go     lost connections, expired sessions, a registry that is down
package registrytest
