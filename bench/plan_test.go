package main

import (
	"reflect"
	"testing"
	"time"

	"github.com/mqrpc/mqrpc/bench/contest"
	"github.com/mqrpc/mqrpc/bench/gateways"
	"github.com/mqrpc/mqrpc/bench/report"
	"github.com/mqrpc/mqrpc/bench/transcoding"
)

// duration is how long the rounds of a plan take, without starts and stops.
func (p plan) duration() time.Duration {
	rounds := len(p.gateways) * len(gateways.Names())
	for _, s := range p.calls {
		rounds += len(s.scenarios) * len(s.peers)
	}
	const contenders, directions = 3, 2
	conversions := len(p.documents) * contenders * directions
	return time.Duration(rounds*p.contest.Rounds)*(p.contest.Warmup+p.contest.Measure) +
		time.Duration(conversions*p.transcode.Rounds)*p.transcode.Measure
}

// TestDurations leaves time for starting and stopping processes, RabbitMQ too.
func TestDurations(t *testing.T) {
	if d := quickPlan().duration(); d > quickLimit-18*time.Second {
		t.Errorf("the rounds of make bench-quick take %v", d)
	}
	if d := allPlan().duration(); d > allLimit-5*time.Minute {
		t.Errorf("the rounds of make bench take %v", d)
	}
}

// TestQuickPlanHasTheHeadlines makes up the rows that it would measure.
func TestQuickPlanHasTheHeadlines(t *testing.T) {
	p := quickPlan()
	one := contest.Spread{Median: 1}
	results := &report.Results{}
	for _, s := range p.calls {
		for _, scenario := range s.scenarios {
			for _, peer := range s.peers {
				results.Calls = append(results.Calls, contest.Row{Stage: s.stage, Scenario: scenario, Peer: peer, Rate: one, P50: one})
			}
		}
	}
	for _, scenario := range p.gateways {
		for _, peer := range gateways.Names() {
			results.Gateways = append(results.Gateways, contest.Row{Stage: contest.Stage{Workers: 1}, Scenario: scenario, Peer: peer, Rate: one})
		}
	}
	for _, size := range p.documents {
		for _, direction := range []transcoding.Direction{transcoding.JSONToWire, transcoding.WireToJSON} {
			for _, peer := range []string{transcoding.Transcode, transcoding.Dynamic} {
				results.Transcode = append(results.Transcode, transcoding.Row{Direction: direction, JSON: size, Peer: peer, Time: one})
			}
		}
	}
	headline, err := results.Headline()
	if err != nil {
		t.Fatal(err)
	}
	for i := range reflect.TypeFor[report.Headline]().NumField() {
		if ratio := reflect.ValueOf(headline).Field(i).Float(); ratio != 1 {
			t.Errorf("the headline is %+v", headline)
		}
	}
}

func TestUsage(t *testing.T) {
	for _, args := range [][]string{nil, {"fly"}, {"calls", "-peers", "pigeon"}, {"calls", "-callers", "many"}, {"gateways", "-peers", "pigeon"}} {
		if err := run(t.Context(), args); err == nil {
			t.Errorf("bench %q is understood", args)
		}
	}
}
