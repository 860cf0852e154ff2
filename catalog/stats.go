package catalog

import "sync/atomic"

// counters are what is counted, each by itself.
type counters struct {
	lookups, refused, notFound, failed     atomic.Int64
	fromRegistry, fromWorker, fromSnapshot atomic.Int64
	snapshotFailures                       atomic.Int64
	describes, replaced, dropped           atomic.Int64
	announcements, malformed, crowded      atomic.Int64
}

// Stats are the counters and gauges of a catalog. They are read one after the
// other while lookups go on.
type Stats struct {
	// Loaded is the number of APIs that are loaded, those compiled in among
	// them, and Snapshot that of those which the snapshot gave.
	Loaded, Snapshot int
	// Unknown is the number of names that are remembered as unknown.
	Unknown int
	// Instances is the number of workers' instances, one for each API that it
	// serves, and Refused that of those which break the contract in effect.
	Instances, Refused int
	// Partial is the number of instances that do not serve all services of their
	// contract.
	Partial int
	// Drifting is the number of loaded APIs of which some instance serves
	// another revision than the one in effect, and Disagreeing that of those
	// whose revisions do not agree which one that is.
	Drifting, Disagreeing int
	// RegistryAvailable is false while there is a registry that does not
	// answer.
	RegistryAvailable bool
	// Lookups counts the lookups of APIs that were not loaded. They ended
	// FromRegistry, FromWorker or FromSnapshot, or as NotFound or Failed.
	Lookups, FromRegistry, FromWorker, FromSnapshot, NotFound, Failed int64
	// LookupsRefused counts the requests that were refused because too many
	// unknown APIs were asked for.
	LookupsRefused int64
	// StoreQueries counts the queries of the registry's store, Describes the
	// questions to workers.
	StoreQueries, Describes int64
	// Replaced counts the states that took the place of another one: new
	// revisions and policies.
	Replaced int64
	// Dropped counts the APIs that were dropped because nobody called them, or
	// because there were too many.
	Dropped int64
	// Announcements counts what workers have announced, Malformed the messages
	// that were no announcements, and Crowded those that there was no room for.
	Announcements, Malformed, Crowded int64
	// SnapshotWrites counts the states written to the snapshot,
	// SnapshotFailures those that could not be written or read.
	SnapshotWrites, SnapshotFailures int64
}

// Stats returns the counters and gauges now.
func (c *Catalog) Stats() Stats {
	n := &c.counters
	stats := Stats{
		RegistryAvailable: true,
		Lookups:           n.lookups.Load(),
		FromRegistry:      n.fromRegistry.Load(),
		FromWorker:        n.fromWorker.Load(),
		FromSnapshot:      n.fromSnapshot.Load(),
		NotFound:          n.notFound.Load(),
		Failed:            n.failed.Load(),
		LookupsRefused:    n.refused.Load(),
		Describes:         n.describes.Load(),
		Replaced:          n.replaced.Load(),
		Dropped:           n.dropped.Load(),
		Announcements:     n.announcements.Load(),
		Malformed:         n.malformed.Load(),
		Crowded:           n.crowded.Load(),
		SnapshotFailures:  n.snapshotFailures.Load(),
	}
	if c.store != nil {
		stats.StoreQueries = c.store.queries.Load()
		err, _ := c.store.health()
		stats.RegistryAvailable = err == nil
	}
	if c.keeper != nil {
		stats.SnapshotWrites = c.keeper.written.Load()
		stats.SnapshotFailures += c.keeper.failures.Load()
	}
	for e := range c.table.all() {
		e.addTo(&stats)
	}
	return stats
}

// addTo counts an entry.
func (e *entry) addTo(stats *Stats) {
	e.mu.Lock()
	defer e.mu.Unlock()
	stats.Instances += len(e.instances)
	now := e.now.Load()
	if now == nil {
		if e.absent.err != nil {
			stats.Unknown++
		}
		return
	}
	stats.Loaded++
	if now.origin == FromSnapshot {
		stats.Snapshot++
	}
	if now.disagreement != Agreed {
		stats.Disagreeing++
	}
	stats.Partial += len(now.missing)
	drifting := false
	for _, known := range e.instances {
		drifting = drifting || known.Revision != now.revision
		if now.refused[known.Revision] != "" {
			stats.Refused++
		}
	}
	if drifting {
		stats.Drifting++
	}
}

// Health says how the registry gets on, for the body of /readyz. Without a
// registry it is available. It asks nobody: it says how the last query went, and
// while nothing is loaded and no poll is due there is none.
func (c *Catalog) Health() RegistryHealth {
	health := RegistryHealth{Available: true}
	if c.store == nil {
		return health
	}
	err, since := c.store.health()
	health.Since = since
	if err != nil {
		health.Available = false
		health.Error = err.Error()
		health.SnapshotAPIs = c.Stats().Snapshot
		health.Snapshot = health.SnapshotAPIs > 0
	}
	return health
}
