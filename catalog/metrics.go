package catalog

import (
	"context"
	"errors"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
)

// instrument is one figure of Stats as a metric.
type instrument struct {
	name, about string
	read        func(*Stats) int64
}

// The metrics; those of lookups by outcome are beside them.
var (
	gaugeInstruments = []instrument{
		{"mqrpc.gateway.apis", "APIs that are loaded", func(s *Stats) int64 { return int64(s.Loaded) }},
		{"mqrpc.gateway.apis.snapshot", "loaded APIs that the snapshot gave because the registry was down", func(s *Stats) int64 { return int64(s.Snapshot) }},
		{"mqrpc.gateway.apis.unknown", "names that are remembered as unknown", func(s *Stats) int64 { return int64(s.Unknown) }},
		{"mqrpc.gateway.instances", "instances of workers, one for each API that it serves", func(s *Stats) int64 { return int64(s.Instances) }},
		{"mqrpc.gateway.instances.refused", "instances whose contract breaks the one in effect", func(s *Stats) int64 { return int64(s.Refused) }},
		{"mqrpc.gateway.instances.partial", "instances that do not serve all services of their contract", func(s *Stats) int64 { return int64(s.Partial) }},
		{"mqrpc.gateway.apis.drifting", "loaded APIs of which an instance serves another revision than the one in effect", func(s *Stats) int64 { return int64(s.Drifting) }},
		{"mqrpc.gateway.apis.disagreeing", "loaded APIs whose revisions do not agree which one is in effect", func(s *Stats) int64 { return int64(s.Disagreeing) }},
		{"mqrpc.gateway.registry.available", "0 while there is a registry that does not answer, else 1", func(s *Stats) int64 {
			if s.RegistryAvailable {
				return 1
			}
			return 0
		}},
	}
	counterInstruments = []instrument{
		{"mqrpc.gateway.lookups.refused", "requests refused because too many unknown APIs were asked for", func(s *Stats) int64 { return s.LookupsRefused }},
		{"mqrpc.gateway.registry.queries", "queries of the registry's store", func(s *Stats) int64 { return s.StoreQueries }},
		{"mqrpc.gateway.describes", "workers asked to describe themselves", func(s *Stats) int64 { return s.Describes }},
		{"mqrpc.gateway.apis.replaced", "new revisions and policies that took effect", func(s *Stats) int64 { return s.Replaced }},
		{"mqrpc.gateway.apis.dropped", "APIs dropped because nobody called them, or because there were too many", func(s *Stats) int64 { return s.Dropped }},
		{"mqrpc.gateway.announcements", "announcements of workers", func(s *Stats) int64 { return s.Announcements }},
		{"mqrpc.gateway.announcements.malformed", "messages that were no announcement", func(s *Stats) int64 { return s.Malformed }},
		{"mqrpc.gateway.snapshot.writes", "states written to the snapshot", func(s *Stats) int64 { return s.SnapshotWrites }},
		{"mqrpc.gateway.snapshot.failures", "states of the snapshot that could not be written or read", func(s *Stats) int64 { return s.SnapshotFailures }},
	}
	lookupOutcomes = []instrument{
		{"registry", "", func(s *Stats) int64 { return s.FromRegistry }},
		{"worker", "", func(s *Stats) int64 { return s.FromWorker }},
		{"snapshot", "", func(s *Stats) int64 { return s.FromSnapshot }},
		{"not_found", "", func(s *Stats) int64 { return s.NotFound }},
		{"failed", "", func(s *Stats) int64 { return s.Failed }},
	}
)

// Observe gives a meter the figures of [Catalog.Stats] whenever it collects, until
// stop is called. The instruments' names begin with "mqrpc.gateway."; lookups
// carry the attribute "outcome".
func (c *Catalog) Observe(meter metric.Meter) (stop func() error, err error) {
	var observables []metric.Observable
	var observe []func(metric.Observer, *Stats)
	var failures []error
	add := func(observable metric.Int64Observable, err error, read func(*Stats) int64, options ...metric.ObserveOption) {
		failures = append(failures, err)
		observables = append(observables, observable)
		observe = append(observe, func(o metric.Observer, s *Stats) { o.ObserveInt64(observable, read(s), options...) })
	}
	for _, g := range gaugeInstruments {
		observable, err := meter.Int64ObservableGauge(g.name, metric.WithDescription(g.about))
		add(observable, err, g.read)
	}
	for _, c := range counterInstruments {
		observable, err := meter.Int64ObservableCounter(c.name, metric.WithDescription(c.about))
		add(observable, err, c.read)
	}
	lookups, err := meter.Int64ObservableCounter("mqrpc.gateway.lookups", metric.WithDescription("lookups of APIs that were not loaded, by their outcome"))
	for _, o := range lookupOutcomes {
		add(lookups, err, o.read, metric.WithAttributes(attribute.String("outcome", o.name)))
	}
	if err := errors.Join(failures...); err != nil {
		return nil, err
	}
	registration, err := meter.RegisterCallback(func(_ context.Context, o metric.Observer) error {
		stats := c.Stats()
		for _, each := range observe {
			each(o, &stats)
		}
		return nil
	}, observables...)
	if err != nil {
		return nil, err
	}
	return registration.Unregister, nil
}
