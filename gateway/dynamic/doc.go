// Package dynamic is the source of the APIs that nobody compiled into a gateway.
// A gateway that is built and started once serves whatever appears later.
//
//	apis, err := dynamic.New(dynamic.Config{Caller: client, Transport: transport, Store: store})
//	handler, err := gateway.New(gateway.Config{
//		Caller:   client,
//		Sources:  []gateway.Source{apis.Source()},
//		Registry: apis.Health,
//	})
//
// # Looking up
//
// An API is looked up when it is called first, once however many callers wait,
// each as long as its own time allows. The first that has it gives it:
//
//  1. what is compiled in, and what is loaded already
//  2. the registry's store
//  3. while the store does not answer, what the snapshot on disk has from it:
//     it comes with the policy, which no worker knows
//  4. a worker, which describes itself
//  5. the snapshot, whatever it has
//
// Each step has a limit of its own, so that a registry that hangs delays the
// first call and fails none. If the store and the broker are sure that there
// is nothing, the API is unknown, and the answer 404; if one of them could not
// be asked, it is 503. So it is when the API is known and its queue is gone. An
// API that the registry has deleted is unknown even where a worker serves it.
//
// # Bounds
//
// What was not found is remembered for a few seconds, until a worker announces
// it or the registry brings news of it: a worker that has just started is
// served by the first call. Names that are made up cannot fill memory, since so
// many are remembered at the most, nor hammer the store, since only so many
// lookups may be in vain every second: beyond that a name that no worker has
// announced is answered with 503 at once. APIs that nobody calls are dropped
// after a while.
//
// # Changes
//
// What the registry holds changes when the registry says so; see
// [registry.Follower]. What only workers know changes with them, by one rule:
// the revision of the instance that started last, by its own clock, is in
// effect. In a rolling upgrade the revision so changes once, with the first new
// instance, and changes back only if the new instances go; it never depends on
// who spoke last.
//
// Requests under way finish with the contract that they began with. While two
// revisions serve one queue, a field that only the gateway's revision knows
// travels to an old worker, which passes over it; a field that only the
// worker's knows comes back to the gateway, which leaves it out of the JSON. A
// field that only the newer worker knows cannot be sent until the gateway has
// its revision.
//
// # Files
//
//	apis.go         APIs: New, Close
//	config.go       what can be configured, with defaults
//	table.go        the table of what is loaded; entry.go for one API in it
//	source.go       the gateway's side: from the table, else wait for a lookup
//	loads.go        one lookup for many callers
//	lookup.go       the lookup itself, step by step
//	following.go    states that come into effect; what is compiled in
//	files.go        types and revisions out of descriptors
//	store.go        the registry's store, and whether it answers
//	news.go         the registry's news, of unknown APIs too
//	unknown.go      what was not found; budget.go bounds how often
//	listener.go     the workers' announcements
//	instances.go    who has announced itself; modules.go counts by module
//	revisions.go    new revisions that workers bring
//	keeper.go       writing the snapshot
//	sweeper.go      dropping what is out of date
//	stats.go        counters, gauges, health; metrics.go for a meter
//	admin.go        GET /apis; admin_views.go for what it shows
package dynamic
