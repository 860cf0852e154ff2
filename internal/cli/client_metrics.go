package cli

import (
	"context"
	"errors"

	otelmetric "go.opentelemetry.io/otel/metric"

	"github.com/mqrpc/mqrpc/runtime"
)

// clientCounters are the counters of runtime.ClientStats as metrics. Calls over
// messages is how many calls share a message.
var clientCounters = []struct {
	name, about string
	read        func(*runtime.ClientStats) int64
}{
	{"mqrpc.client.calls", "calls that were made", func(s *runtime.ClientStats) int64 { return s.Calls }},
	{"mqrpc.client.messages", "messages that carried calls", func(s *runtime.ClientStats) int64 { return s.Messages }},
	{"mqrpc.client.resent", "calls sent again after a reconnect", func(s *runtime.ClientStats) int64 { return s.Resent }},
	{"mqrpc.client.replies", "replies in time", func(s *runtime.ClientStats) int64 { return s.Replies }},
	{"mqrpc.client.late", "replies whose caller had left", func(s *runtime.ClientStats) int64 { return s.Late }},
	{"mqrpc.client.abandoned", "calls that ended with their deadline or were cancelled", func(s *runtime.ClientStats) int64 { return s.Abandoned }},
	{"mqrpc.client.malformed", "messages in the reply queue that were no replies", func(s *runtime.ClientStats) int64 { return s.Malformed }},
}

// observeClient gives a meter the client's figures whenever it collects, for as
// long as its provider lives.
func observeClient(client *runtime.Client, meter otelmetric.Meter) error {
	var failures []error
	open, err := meter.Int64ObservableGauge("mqrpc.client.open", otelmetric.WithDescription("calls that wait for their reply"))
	failures = append(failures, err)
	observables := []otelmetric.Observable{open}
	counters := make([]otelmetric.Int64ObservableCounter, len(clientCounters))
	for i, c := range clientCounters {
		counters[i], err = meter.Int64ObservableCounter(c.name, otelmetric.WithDescription(c.about))
		failures = append(failures, err)
		observables = append(observables, counters[i])
	}
	if err := errors.Join(failures...); err != nil {
		return err
	}
	_, err = meter.RegisterCallback(func(_ context.Context, o otelmetric.Observer) error {
		stats := client.Stats()
		o.ObserveInt64(open, int64(stats.Open))
		for i, c := range clientCounters {
			o.ObserveInt64(counters[i], c.read(&stats))
		}
		return nil
	}, observables...)
	return err
}
