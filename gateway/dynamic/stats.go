package dynamic

import (
	"sync/atomic"

	"github.com/mqrpc/mqrpc/gateway"
)

// counters are what is counted, each by itself.
type counters struct {
	lookups, refused, notFound, failed     atomic.Int64
	fromRegistry, fromWorker, fromSnapshot atomic.Int64
	snapshotFailures                       atomic.Int64
	describes, replaced, dropped           atomic.Int64
	announcements, malformed, crowded      atomic.Int64
}

// Stats are the counters and gauges of the APIs. They are read one after the
// other while lookups go on.
type Stats struct {
	// Loaded is the number of APIs that are loaded, those compiled in among
	// them, and Snapshot that of those which the snapshot gave.
	Loaded, Snapshot int
	// Unknown is the number of names that are remembered as unknown.
	Unknown int
	// Instances is the number of workers' instances, one for each API that it
	// serves.
	Instances int
	// RegistryAvailable is false while there is a registry that does not
	// answer.
	RegistryAvailable bool
	// Lookups counts the lookups of APIs that were not loaded. They ended
	// FromRegistry, FromWorker or FromSnapshot, or as NotFound or Failed.
	Lookups, FromRegistry, FromWorker, FromSnapshot, NotFound, Failed int64
	// Refused counts the requests that were refused because too many unknown
	// APIs were asked for.
	Refused int64
	// StoreQueries counts the queries of the registry's store, Describes the
	// questions to workers.
	StoreQueries, Describes int64
	// Replaced counts the states that took the place of another one: new
	// revisions and policies.
	Replaced int64
	// Dropped counts the APIs that were dropped because nobody called them, or
	// because there were too many.
	Dropped int64
	// Announcements counts the workers' announcements, Malformed the messages
	// that were none, and Crowded those that the table had no room for.
	Announcements, Malformed, Crowded int64
	// SnapshotWrites counts the states written to the snapshot,
	// SnapshotFailures those that could not be written or read.
	SnapshotWrites, SnapshotFailures int64
}

// Stats returns the counters and gauges now.
func (a *APIs) Stats() Stats {
	c := &a.counters
	stats := Stats{
		Loaded:            a.table.len(),
		Snapshot:          a.servedFrom(FromSnapshot),
		Unknown:           a.unknown.len(),
		Instances:         a.instances.len(),
		RegistryAvailable: true,
		Lookups:           c.lookups.Load(),
		FromRegistry:      c.fromRegistry.Load(),
		FromWorker:        c.fromWorker.Load(),
		FromSnapshot:      c.fromSnapshot.Load(),
		NotFound:          c.notFound.Load(),
		Failed:            c.failed.Load(),
		Refused:           c.refused.Load(),
		Describes:         c.describes.Load(),
		Replaced:          c.replaced.Load(),
		Dropped:           c.dropped.Load(),
		Announcements:     c.announcements.Load(),
		Malformed:         c.malformed.Load(),
		Crowded:           c.crowded.Load(),
		SnapshotFailures:  c.snapshotFailures.Load(),
	}
	if a.store != nil {
		stats.StoreQueries = a.store.queries.Load()
		err, _ := a.store.health()
		stats.RegistryAvailable = err == nil
	}
	if a.keeper != nil {
		stats.SnapshotWrites = a.keeper.written.Load()
		stats.SnapshotFailures += a.keeper.failures.Load()
	}
	return stats
}

// Health says how the registry gets on, for [gateway.Config].Registry. Without a
// registry it is available. It asks nobody: it says how the last query went, and
// while nothing is loaded and no poll is due there is none.
func (a *APIs) Health() gateway.RegistryHealth {
	health := gateway.RegistryHealth{Available: true}
	if a.store == nil {
		return health
	}
	err, since := a.store.health()
	health.Since = since
	if err != nil {
		health.Available = false
		health.Error = err.Error()
		health.SnapshotAPIs = a.servedFrom(FromSnapshot)
		health.Snapshot = health.SnapshotAPIs > 0
	}
	return health
}

// servedFrom counts the APIs whose state came from there.
func (a *APIs) servedFrom(origin Origin) int {
	count := 0
	for e := range a.table.all() {
		if now := e.state.Load(); now != nil && now.api != nil && now.origin == origin {
			count++
		}
	}
	return count
}
