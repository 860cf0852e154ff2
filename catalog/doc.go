// Package catalog is what one gateway knows of APIs now. A gateway that is built
// and started once serves whatever appears later.
//
//	apis, err := catalog.New(catalog.Config{
//		Workers: catalog.WorkersOf(client, transport), Transport: transport, Store: store, Notifier: notifier,
//	})
//	api, err := apis.API(ctx, "wxapp", "1.0")
//
// # One entry for each API
//
// All that is known of an API is in one entry of one table, behind one lock: who
// waits for it, what the registry holds, which instances serve it, and which
// state is in effect. What takes time is done by one goroutine for each entry,
// while there is something to do, without the lock: asking, linking, comparing,
// telling. So an API that is slow, broken or hostile costs no other anything.
//
// An entry is in one of these stages:
//
//	unknown    nobody has asked for it and no instance claims it: no entry
//	announced  instances claim it, and nobody has called it
//	wanted     callers wait while it is looked up
//	absent     the last lookup was in vain, or the registry has deleted it;
//	           why is remembered for a while
//	in effect  a state of it is served
//
// and moves so:
//
//	unknown -> announced         an instance claims it
//	any but in effect -> wanted  it is called, unless it is absent still
//	wanted -> in effect          the registry holds it, a worker describes
//	                             itself, or the snapshot has it
//	wanted -> absent             nobody knows of it, or somebody did not answer
//	absent -> announced, unknown the memory is over, or there is news of it:
//	                             a claim, or a change of the registry
//	in effect -> in effect       the registry or the instances say something
//	                             else: another state takes the place
//	in effect -> absent          the registry has deleted it
//	absent -> in effect          the registry holds it again
//	in effect -> announced,      nobody has called it for long, or too many are
//	             unknown         loaded
//
// From the moment in which it is wanted until it is let go, an entry is
// followed: changes of the registry are heard of, and polled for.
//
// # Looking up
//
// An API is looked up when it is called first, once however many callers wait,
// each as long as its own time allows: in the registry's store; while that does
// not answer, in the snapshot's copy of it, which comes with the policy; at the
// workers, which describe themselves; at last in whatever the snapshot has. Each
// step has a limit of its own, so that a registry that hangs delays the first
// call and fails none. If the store and the broker are sure that there is
// nothing, the API is unknown; if one of them could not be asked, that is
// another error. An API that the registry has deleted is unknown even where a
// worker serves it.
//
// # Which contract is in effect
//
// That is decided by content, never by clocks or by who came first: see
// candidates in effect.go. A revision that the registry pins, or that is compiled
// in, wins. Else, of the registry's revision and those of the running instances,
// the one that is a compatible successor of all others. Where that is not one,
// the registry's, else the one with the smallest hash, and the disagreement is
// told. Instances whose contract breaks the one in effect are refused, unless
// the registry has not answered yet; the older ones of a rolling upgrade are
// not among them. Without any, what was in effect last stays.
//
// Two revisions may serve one queue for as long as an upgrade takes. A field that
// only the contract in effect knows travels to an old worker, which passes over
// it. Requests under way finish with the contract that they began with.
//
// # Changes of the registry
//
// An announced change is a cue. The store is asked at once, and again within a
// second, since a change is announced before it is saved; what the store then
// holds takes effect, and what it does not hold is dropped. While the store does
// not answer, the old state stays. Whatever gets lost is found by a slow poll of
// all that is followed, one query a round.
//
// # Bounds
//
// What was not found is remembered for a few seconds, until there is news of it.
// Names that are made up cannot fill memory, nor hammer the store, since only so
// many lookups may be in vain every second: beyond that a name that no worker
// has announced fails at once. APIs that nobody calls are let go after a while.
// Of one API the contracts of so many revisions are looked at. Contracts are
// bounded and linked outside every lock.
//
// # Own code, and why
//
//   - The table is a sync.Map: hundreds of thousands of entries are found without
//     a lock, and come and go one by one.
//   - Lookups are not a singleflight.Group: callers leave at their own time, a
//     lookup that nobody waits for any more must not wait for its turn, and news
//     that come meanwhile have it search again.
//   - The rate of lookups in vain is golang.org/x/time/rate's, and it also bounds
//     the names that are remembered, so that these need no cache with an
//     eviction of its own.
//   - Counters are atomic; [Catalog.Observe] gives them to an OpenTelemetry meter
//     when it collects, and [Catalog.Stats] to programs.
//
// # Files
//
//	api.go          API, Calls; policy.go for what a policy says
//	catalog.go      Catalog: New, Close, what is compiled in
//	config.go       what can be configured, with defaults
//	table.go        the table; entry.go for one API in it
//	work.go         the goroutine of an entry: what there is to do, and letting go
//	lookup.go       looking up: who waits, where is asked, what is remembered
//	registry.go     what the registry holds of an API
//	watch.go        the registry's news; poll.go asks the store about them
//	instances.go    what workers claim
//	workers.go      asking workers for their contracts
//	contracts.go    the contracts of an API by revision, and their comparison
//	effect.go       which of them is in effect: a pure function
//	settle.go       bringing that into effect, and telling those who must know
//	keeper.go       writing the snapshot
//	sweeper.go      dropping what is out of date
//	stats.go        counters, gauges, health; metrics.go for a meter
//	admin.go        GET /apis; admin_views.go for what it shows
package catalog
