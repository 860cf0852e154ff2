package gateways

import (
	"testing"
	"time"

	"github.com/mqrpc/mqrpc/bench/calls"
	"github.com/mqrpc/mqrpc/bench/contest"
)

// TestWithoutBrokers asks the gateways that have no broker.
func TestWithoutBrokers(t *testing.T) {
	smoke(t, &calls.Brokers{}, "", "grpc-gateway", "net-http")
}

// smoke measures gateways for a moment, in which all have answers even with
// the race detector on a busy machine; the load generator checks the answers.
func smoke(t *testing.T, brokers *calls.Brokers, program string, names ...string) {
	t.Helper()
	contestants, err := Contestants(brokers, program, names...)
	if err != nil {
		t.Fatal(err)
	}
	short := contest.Contest{Rounds: 1, Warmup: 50 * time.Millisecond, Measure: 600 * time.Millisecond, Note: t.Logf}
	scenarios := []contest.Scenario{{Callers: 8, Payload: 23}, {Callers: 2, Payload: 16 << 10}}
	rows, err := short.Run(t.Context(), contest.Stage{Workers: 1}, scenarios, contestants)
	if err != nil {
		t.Fatal(err)
	}
	if len(rows) != len(scenarios)*len(names) {
		t.Errorf("%d rows of %d gateways in %d scenarios", len(rows), len(names), len(scenarios))
	}
	for _, row := range rows {
		if row.Rate.Min <= 0 || row.P50.Min <= 0 || row.CPU[contest.Gateway].Median <= 0 {
			t.Errorf("%s: %v", row.Peer, row)
		}
	}
}
