package contest

import (
	"fmt"
	"strings"
	"time"

	"github.com/mqrpc/mqrpc/bench/load"
)

// Row is what one contestant did in one scenario of one stage.
type Row struct {
	Stage    Stage    `json:"stage"`
	Scenario Scenario `json:"scenario"`
	Peer     string   `json:"peer"`
	Rounds   int      `json:"rounds"`
	// Rate is in calls per second.
	Rate Spread `json:"rate"`
	// P50 and P99 are percentiles of latency, in microseconds.
	P50 Spread `json:"p50_us"`
	P99 Spread `json:"p99_us"`
	// CPU is processor time per call by role, in microseconds.
	CPU map[Role]Spread `json:"cpu_us"`
	// Error says why the row has no figures, if it has none.
	Error string `json:"error,omitempty"`
}

// rowOf sums up the rounds of a contestant.
func rowOf(stage Stage, scenario Scenario, peer string, results []load.Result, err error) Row {
	row := Row{Stage: stage, Scenario: scenario, Peer: peer, Rounds: len(results)}
	if err != nil {
		row.Error = err.Error()
		return row
	}
	var rate, p50, p99 []float64 // the latter of rounds with calls
	cpu := map[Role][]float64{}
	for _, r := range results {
		rate = append(rate, float64(r.Calls)/r.Elapsed.Seconds())
		if r.Calls == 0 {
			continue // other work had the machine
		}
		p50 = append(p50, microseconds(r.P50))
		p99 = append(p99, microseconds(r.P99))
		for role, used := range r.CPU {
			cpu[Role(role)] = append(cpu[Role(role)], microseconds(used)/float64(r.Calls))
		}
	}
	if len(p50) == 0 {
		row.Error = "no call was answered in the measured time"
		return row
	}
	row.Rate, row.P50, row.P99 = SpreadOf(rate), SpreadOf(p50), SpreadOf(p99)
	row.CPU = map[Role]Spread{}
	for role, values := range cpu {
		row.CPU[role] = SpreadOf(values)
	}
	return row
}

func microseconds(d time.Duration) float64 { return float64(d) / float64(time.Microsecond) }

// String is the row as a line of progress.
func (r Row) String() string {
	head := fmt.Sprintf("%-16s %4d callers %6d B  %-24v", r.Peer, r.Scenario.Callers, r.Scenario.Payload, r.Stage)
	if r.Error != "" {
		return head + "  FAILED: " + r.Error
	}
	var text strings.Builder
	fmt.Fprintf(&text, "%s %9.0f/s [%.0f..%.0f]  p50 %7.0f us  p99 %7.0f us  CPU us/call:",
		head, r.Rate.Median, r.Rate.Min, r.Rate.Max, r.P50.Median, r.P99.Median)
	for _, role := range Roles() {
		if used, ok := r.CPU[role]; ok {
			fmt.Fprintf(&text, " %s %.1f", role, used.Median)
		}
	}
	return text.String()
}
