package contest

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/mqrpc/mqrpc/bench/load"
)

func TestRowOf(t *testing.T) {
	results := []load.Result{
		{Calls: 1000, Elapsed: time.Second, P50: time.Millisecond, P99: 2 * time.Millisecond, CPU: map[string]time.Duration{"client": 10 * time.Millisecond}},
		{Calls: 3000, Elapsed: 2 * time.Second, P50: 3 * time.Millisecond, P99: 9 * time.Millisecond, CPU: map[string]time.Duration{"client": 60 * time.Millisecond}},
		{Calls: 2000, Elapsed: time.Second, P50: 2 * time.Millisecond, P99: 4 * time.Millisecond, CPU: map[string]time.Duration{"client": 60 * time.Millisecond}},
	}
	row := rowOf(Stage{Workers: 1}, Scenario{Callers: 64}, "peer", results, nil)
	for what, test := range map[string]struct {
		got    Spread
		rounds []float64
	}{
		"rate": {row.Rate, []float64{1000, 1500, 2000}},
		"p50":  {row.P50, []float64{1000, 3000, 2000}},
		"p99":  {row.P99, []float64{2000, 9000, 4000}},
		"CPU":  {row.CPU[Client], []float64{10, 20, 30}},
	} {
		if diff := cmp.Diff(SpreadOf(test.rounds), test.got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", what, diff)
		}
	}
	if row.Rounds != 3 {
		t.Errorf("%d rounds", row.Rounds)
	}
}

func TestRowOfRoundsWithoutCalls(t *testing.T) {
	results := []load.Result{
		{Elapsed: time.Second},
		{Calls: 1000, Elapsed: time.Second, P50: time.Millisecond, P99: time.Millisecond, CPU: map[string]time.Duration{"client": time.Millisecond}},
	}
	row := rowOf(Stage{Workers: 1}, Scenario{Callers: 64}, "peer", results, nil)
	if row.Rate.Min != 0 || row.Rate.Max != 1000 || row.P50.Min != 1000 || row.CPU[Client].Max != 1 || row.Error != "" {
		t.Errorf("the row is %+v", row)
	}
	if row := rowOf(Stage{Workers: 1}, Scenario{Callers: 64}, "peer", results[:1], nil); row.Error == "" {
		t.Errorf("the row without any call is %+v", row)
	}
}

func TestRowOfFailure(t *testing.T) {
	row := rowOf(Stage{Workers: 1}, Scenario{Callers: 64}, "peer", []load.Result{{Calls: 1, Elapsed: 1}}, errors.New("refused"))
	if row.Error != "refused" || row.Rate.Max != 0 {
		t.Errorf("a failed row has %q and the rate %v", row.Error, row.Rate)
	}
	if text := row.String(); !strings.Contains(text, "refused") {
		t.Errorf("progress does not say why: %s", text)
	}
}
