package transcoding

import (
	"context"
	"encoding/json"
	"fmt"
	"reflect"
	"runtime"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/mqrpc/mqrpc/bench/contest"
	"github.com/mqrpc/mqrpc/bench/document"
	benchv1 "github.com/mqrpc/mqrpc/bench/proto/bench/v1"
)

// Row is how one contender did in one direction with one document.
type Row struct {
	Direction Direction `json:"direction"`
	// JSON is the size of the document as JSON, in bytes.
	JSON int    `json:"json_bytes"`
	Peer string `json:"peer"`
	// Time is nanoseconds for one document.
	Time contest.Spread `json:"ns"`
	// Allocations is how many objects one document costs, in the median.
	Allocations float64 `json:"allocations"`
}

// Bench says how long to measure.
type Bench struct {
	// Rounds is how often each contender is measured.
	Rounds int
	// Measure is for how long.
	Measure time.Duration
	// Note gets progress, a line at a time.
	Note func(format string, args ...any)
}

// Run measures all contenders with documents of these sizes.
func (b *Bench) Run(ctx context.Context, sizes ...int) ([]Row, error) {
	all, err := contenders()
	if err != nil {
		return nil, err
	}
	var rows []Row
	for _, size := range sizes {
		message, text, err := document.Of(size)
		if err != nil {
			return nil, err
		}
		wire, err := proto.Marshal(message)
		if err != nil {
			return nil, err
		}
		for _, direction := range []Direction{JSONToWire, WireToJSON} {
			runs, err := prepare(all, direction, text, wire)
			if err != nil {
				return nil, fmt.Errorf("%s of %d bytes: %w", direction, size, err)
			}
			for range b.Rounds {
				for _, r := range runs {
					if err := ctx.Err(); err != nil {
						return nil, err
					}
					if err := r.measure(b.Measure); err != nil {
						return nil, fmt.Errorf("%s of %d bytes: %s: %w", direction, size, r.name, err)
					}
				}
			}
			for _, r := range runs {
				row := Row{direction, size, r.name, contest.SpreadOf(r.times), contest.SpreadOf(r.allocations).Median}
				b.Note("%-21s %s %6d B  %10.0f ns [%.0f..%.0f]  %.0f allocations",
					row.Peer, row.Direction, row.JSON, row.Time.Median, row.Time.Min, row.Time.Max, row.Allocations)
				rows = append(rows, row)
			}
		}
	}
	return rows, nil
}

// run is a contender in one direction with one document.
type run struct {
	name               string
	convert            convert
	from, to           []byte
	times, allocations []float64 // of the rounds
}

// prepare checks that all contenders give the right answer, and returns them.
func prepare(all []contender, direction Direction, text, wire []byte) ([]*run, error) {
	var runs []*run
	for _, c := range all {
		r := &run{name: c.name, convert: c.toWire, from: text, to: make([]byte, 0, 2*len(text))}
		same := sameWire
		want := wire
		if direction == WireToJSON {
			r.convert, r.from, want, same = c.toDocument, wire, text, sameJSON
		}
		answer, err := r.convert(nil, r.from)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", c.name, err)
		}
		if !same(answer, want) {
			return nil, fmt.Errorf("%s gives another document: %.100q", c.name, answer)
		}
		runs = append(runs, r)
	}
	return runs, nil
}

func sameWire(a, b []byte) bool {
	x, y := &benchv1.Document{}, &benchv1.Document{}
	return proto.Unmarshal(a, x) == nil && proto.Unmarshal(b, y) == nil && proto.Equal(x, y)
}

func sameJSON(a, b []byte) bool {
	var x, y any
	return json.Unmarshal(a, &x) == nil && json.Unmarshal(b, &y) == nil && reflect.DeepEqual(x, y)
}

// batch is how many documents are converted between two looks at the clock.
const batch = 16

// measure converts for a time.
func (r *run) measure(d time.Duration) error {
	runtime.GC() // of what the one before has left
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	count := 0
	begin := time.Now()
	for time.Since(begin) < d {
		for range batch {
			if _, err := r.convert(r.to, r.from); err != nil {
				return err
			}
		}
		count += batch
	}
	took := time.Since(begin)
	runtime.ReadMemStats(&after)
	r.times = append(r.times, float64(took)/float64(count))
	r.allocations = append(r.allocations, float64(after.Mallocs-before.Mallocs)/float64(count))
	return nil
}
