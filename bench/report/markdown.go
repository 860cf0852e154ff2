package report

import (
	"fmt"
	"strings"
	"time"

	"github.com/mqrpc/mqrpc/bench/contest"
)

// markdown is the results as tables.
func (r *Results) markdown() []byte {
	d := &markdown{}
	d.line("# Results of make bench")
	d.line("")
	d.line("Made by the program, from [%s](%s): do not edit. [How it is measured, and how to read it](../../docs/benchmarks.md).", jsonFile, jsonFile)
	d.line("")
	d.line("![calls per second and processor time per call](%s)", chartFile)
	d.line("")
	d.machine(r)
	d.line("## Calls: overview")
	d.line("")
	d.line("Calls per second, medians. More is better.")
	d.line("")
	for _, group := range groupsOf(r.Calls) {
		d.line("### %s", group.title())
		d.line("")
		d.overview(group.rows)
	}
	d.line("## Calls: all figures")
	d.line("")
	d.line("Latency in milliseconds, processor time in microseconds for one call, by process.")
	d.line("")
	for _, group := range groupsOf(r.Calls) {
		d.line("### %s", group.title())
		d.line("")
		d.figures(group.rows, contest.Client, contest.Broker, contest.Server)
	}
	if len(r.Gateways) > 0 {
		d.line("## Gateways")
		d.line("")
		for _, group := range groupsOf(r.Gateways) {
			d.line("### %s", group.title())
			d.line("")
			d.figures(group.rows, contest.Roles()...)
		}
	}
	d.line("## Transcoders")
	d.line("")
	d.transcode(r.Transcode)
	return []byte(d.text.String())
}

// markdown is a document in the making.
type markdown struct{ text strings.Builder }

func (d *markdown) line(format string, args ...any) {
	fmt.Fprintf(&d.text, format, args...)
	d.text.WriteByte('\n')
}

func (d *markdown) row(cells []string) { d.line("| %s |", strings.Join(cells, " | ")) }

// table begins a table; the first n columns are text, the others numbers.
func (d *markdown) table(n int, head []string) {
	d.row(head)
	rule := make([]string, len(head))
	for i := range rule {
		rule[i] = "---:"
		if i < n {
			rule[i] = "---"
		}
	}
	d.row(rule)
}

func (d *markdown) machine(r *Results) {
	d.line("| | |")
	d.line("| --- | --- |")
	d.line("| date | %s, took %.0f min |", r.Began.UTC().Format(time.DateOnly), (time.Duration(r.TookS) * time.Second).Minutes())
	d.line("| machine | %d cores, %s, %s |", r.Machine.Cores, r.Machine.CPU, r.Machine.Kernel)
	d.line("| Go | %s |", strings.TrimPrefix(r.Machine.Go, "go"))
	for _, v := range r.Machine.Versions {
		d.line("| %s | %s |", v.Name, strings.TrimPrefix(v.Version, "v"))
	}
	d.line("| rounds | %d of %g s for each row, interleaved; with one caller %d times as many, and that much shorter |",
		r.Rounds, r.RoundS, contest.SingleCallerRounds)
	d.line("")
	d.line("Clients, servers and brokers share the cores.")
	d.line("")
}
