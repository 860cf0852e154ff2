package report

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/mqrpc/mqrpc/bench/contest"
	"github.com/mqrpc/mqrpc/bench/transcoding"
)

// group is the rows of one stage and payload.
type group struct {
	stage   contest.Stage
	payload int
	rows    []contest.Row
}

// groupsOf groups rows, in their order.
func groupsOf(rows []contest.Row) []*group {
	var groups []*group
	for _, row := range rows {
		i := slices.IndexFunc(groups, func(g *group) bool {
			return g.stage == row.Stage && g.payload == row.Scenario.Payload
		})
		if i < 0 {
			i = len(groups)
			groups = append(groups, &group{stage: row.Stage, payload: row.Scenario.Payload})
		}
		groups[i].rows = append(groups[i].rows, row)
	}
	return groups
}

// title is such as "1 KB, handler of 10 ms, 4 workers, quorum queue".
func (g *group) title() string {
	parts := []string{sizeOf(g.payload), "handler returns at once", "1 worker"}
	if g.stage.Handler > 0 {
		parts[1] = fmt.Sprintf("handler of %d ms", g.stage.Handler.Milliseconds())
	}
	if g.stage.Workers != 1 {
		parts[2] = fmt.Sprintf("%d workers", g.stage.Workers)
	}
	if g.stage.Quorum {
		parts = append(parts, "quorum queue")
	}
	return strings.Join(parts, ", ")
}

func sizeOf(bytes int) string {
	if bytes >= 1<<10 {
		return fmt.Sprintf("%d KB", bytes>>10)
	}
	return fmt.Sprintf("%d B", bytes)
}

// overview is a table of rates: callers down, peers across.
func (d *markdown) overview(rows []contest.Row) {
	var peers []string
	var callers []int
	rates := map[string]map[int]string{}
	for _, row := range rows {
		if !slices.Contains(peers, row.Peer) {
			peers = append(peers, row.Peer)
			rates[row.Peer] = map[int]string{}
		}
		if !slices.Contains(callers, row.Scenario.Callers) {
			callers = append(callers, row.Scenario.Callers)
		}
		rates[row.Peer][row.Scenario.Callers] = "failed"
		if row.Error == "" {
			rates[row.Peer][row.Scenario.Callers] = thousands(row.Rate.Median)
		}
	}
	d.table(0, append([]string{"callers"}, peers...))
	for _, c := range callers {
		cells := []string{thousands(float64(c))}
		for _, peer := range peers {
			cells = append(cells, rates[peer][c])
		}
		d.row(cells)
	}
	d.line("")
}

// figures is a table of all that was measured: a row for each row.
func (d *markdown) figures(rows []contest.Row, roles ...contest.Role) {
	head := []string{"peer", "callers", "calls/s", "least to greatest", "p50", "p99"}
	for _, role := range roles {
		head = append(head, "CPU "+string(role))
	}
	d.table(1, append(head, "CPU in all"))
	for _, row := range rows {
		cells := []string{row.Peer, thousands(float64(row.Scenario.Callers))}
		if row.Error != "" {
			d.row(append(cells, "failed: "+strings.ReplaceAll(row.Error, "\n", " ")))
			continue
		}
		cells = append(cells, thousands(row.Rate.Median),
			thousands(row.Rate.Min)+" to "+thousands(row.Rate.Max),
			milliseconds(row.P50.Median), milliseconds(row.P99.Median))
		sum := 0.0
		for _, role := range roles {
			used, ok := row.CPU[role]
			if !ok {
				cells = append(cells, "")
				continue
			}
			sum += used.Median
			cells = append(cells, decimal(used.Median))
		}
		d.row(append(cells, decimal(sum)))
	}
	d.line("")
}

// transcode is a table of times, with what they are times those of transcode.
func (d *markdown) transcode(rows []transcoding.Row) {
	d.table(2, []string{"", "JSON", "ns", "least to greatest", "allocations", "times transcode's"})
	var own contest.Spread
	for _, row := range rows {
		if row.Peer == transcoding.Transcode {
			own = row.Time
		}
		ratio := ""
		if r, err := contest.Ratio(row.Time, own); err == nil {
			ratio = decimal(r)
		}
		d.row([]string{
			row.Peer + ", " + string(row.Direction), sizeOf(row.JSON), thousands(row.Time.Median),
			thousands(row.Time.Min) + " to " + thousands(row.Time.Max), thousands(row.Allocations), ratio,
		})
	}
	d.line("")
}

// thousands is a number without decimals and with commas.
func thousands(value float64) string {
	digits := strconv.FormatFloat(value, 'f', 0, 64)
	for i := len(digits) - 3; i > 0; i -= 3 {
		digits = digits[:i] + "," + digits[i:]
	}
	return digits
}

func decimal(value float64) string { return strconv.FormatFloat(value, 'f', 1, 64) }

// milliseconds is microseconds as milliseconds, with three digits that count.
func milliseconds(us float64) string {
	switch {
	case us < 10_000:
		return strconv.FormatFloat(us/1000, 'f', 2, 64)
	case us < 100_000:
		return strconv.FormatFloat(us/1000, 'f', 1, 64)
	default:
		return thousands(us / 1000)
	}
}
