package calls

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/mqrpc/mqrpc/bench/contest"
)

func TestArguments(t *testing.T) {
	want := Config{Name: "b1", Broker: "amqp://localhost", Servers: []string{"a:1", "b:2"}, Handler: 10 * time.Millisecond, Quorum: true}
	p, got, err := parse(append([]string{"amqp"}, want.arguments()...))
	if err != nil || p.name != "amqp" {
		t.Fatalf("peer %q: %v", p.name, err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("the child gets another config (-want +got):\n%s", diff)
	}
	for _, args := range [][]string{{}, {"pigeon"}, {"amqp", "-colour", "red"}} {
		if _, _, err := parse(args); err == nil {
			t.Errorf("%q is understood", args)
		}
	}
}

// wrong answers with something else.
type wrong struct{}

func (wrong) echo(context.Context, []byte) ([]byte, error) { return []byte("something else"), nil }
func (wrong) close() error                                 { return nil }

func TestWrongAnswer(t *testing.T) {
	if err := echoCall(wrong{}, 23)(t.Context(), 0); err == nil || !strings.Contains(err.Error(), "23 bytes") {
		t.Errorf("a wrong answer gives the error %v", err)
	}
}

// TestWithoutBrokers calls the peers that have no broker.
func TestWithoutBrokers(t *testing.T) {
	for _, stage := range []contest.Stage{{Workers: 1}, {Workers: 2, Handler: time.Millisecond}} {
		smoke(t, Brokers{}, stage, "grpc", "connect", "connect-http1")
	}
}

// smoke measures peers for a moment, in which all have answers even with
// the race detector on a busy machine; their clients check the answers.
func smoke(t *testing.T, brokers Brokers, stage contest.Stage, names ...string) {
	t.Helper()
	contestants, err := brokers.Contestants(names...)
	if err != nil {
		t.Fatal(err)
	}
	short := contest.Contest{Rounds: 1, Warmup: 50 * time.Millisecond, Measure: 250 * time.Millisecond, Note: t.Logf}
	rows, err := short.Run(t.Context(), stage, []contest.Scenario{{Callers: 8, Payload: 23}, {Callers: 2, Payload: 16 << 10}}, contestants)
	if err != nil {
		t.Fatal(err)
	}
	if len(rows) != 2*len(names) {
		t.Errorf("%d rows of %d peers in two scenarios", len(rows), len(names))
	}
	for _, row := range rows {
		p, err := peerOf(row.Peer)
		if err != nil {
			t.Fatal(err)
		}
		roles := []contest.Role{contest.Client, contest.Server}
		if p.broker != noBroker {
			roles = append(roles, contest.Broker)
		}
		for _, role := range roles {
			if row.CPU[role].Median <= 0 {
				t.Errorf("%s: the %s costs nothing", row.Peer, role)
			}
		}
		if row.Rate.Min <= 0 || row.P50.Min <= 0 || row.P99.Min < row.P50.Min {
			t.Errorf("%s: %v", row.Peer, row)
		}
	}
}
