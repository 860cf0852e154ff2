package contest

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/mqrpc/mqrpc/bench/load"
)

// Stage is what processes are started for.
type Stage struct {
	// Handler is how long a call takes to handle.
	Handler time.Duration `json:"handler"`
	// Workers is the number of server processes.
	Workers int `json:"workers"`
	// Quorum has brokers keep calls in quorum queues, not classic ones.
	Quorum bool `json:"quorum,omitempty"`
}

// Scenario is what is asked of the processes of a stage.
type Scenario struct {
	// Callers is how many calls are under way at any moment.
	Callers int `json:"callers"`
	// Payload is the size of what each call carries and brings back, in bytes.
	Payload int `json:"payload"`
}

// String is a short description for progress and errors.
func (s Stage) String() string {
	text := fmt.Sprintf("%d worker", s.Workers)
	if s.Workers != 1 {
		text += "s"
	}
	if s.Handler > 0 {
		text += fmt.Sprintf(" of %v", s.Handler)
	}
	if s.Quorum {
		text += ", quorum queue"
	}
	return text
}

// String is a short description for progress and errors.
func (s Scenario) String() string { return fmt.Sprintf("%d callers, %d B", s.Callers, s.Payload) }

// Contestant is a peer and how to start it.
type Contestant struct {
	// Name is the peer's name in tables.
	Name string
	// Start starts its processes on the rig: what serves, then by [Rig.Load]
	// what makes the calls. What it has started is stopped even if it fails.
	Start func(ctx context.Context, rig *Rig, stage Stage) error
}

// SingleCallerRounds is the number of rounds that each is divided into where
// there is a single caller: the latency of its calls changes with the machine's
// speed, which may change every few seconds, and ratios of peers are of one round.
const SingleCallerRounds = 3

// Contest measures contestants against each other.
type Contest struct {
	// Rounds is how often each is measured in each scenario, [SingleCallerRounds]
	// times as often if that has one caller.
	Rounds int
	// Warmup and Measure are the parts of a round, that much shorter with one
	// caller.
	Warmup, Measure time.Duration
	// Note gets progress, a line at a time.
	Note func(format string, args ...any)
}

// roundGrace is how much longer than its parts a round may take.
const roundGrace = 20 * time.Second

// Run starts the contestants for a stage and measures them in one scenario
// after the other. A contestant that fails has rows that say so; the others go
// on. The error is that of the context or joins those of the rows.
func (c *Contest) Run(ctx context.Context, stage Stage, scenarios []Scenario, contestants []Contestant) ([]Row, error) {
	all := make([]*entered, len(contestants))
	defer stopAll(all)
	for i, contestant := range contestants {
		all[i] = enter(ctx, contestant, stage)
	}
	var rows []Row
	var failed error
	for _, scenario := range scenarios {
		rounds, each := c.rounds(scenario)
		for round := range rounds {
			for i := range all {
				// Each round begins with another contestant.
				all[(i+round)%len(all)].round(ctx, each)
			}
			if ctx.Err() != nil {
				return rows, context.Cause(ctx)
			}
		}
		for _, e := range all {
			rows = append(rows, rowOf(stage, scenario, e.Name, e.results, errors.Join(e.out, e.failed)))
			c.Note("%s", rows[len(rows)-1])
			failed = errors.Join(failed, e.failed)
			e.results, e.failed = nil, nil
		}
	}
	for _, e := range all {
		failed = errors.Join(failed, e.out)
	}
	return rows, failed
}

// rounds says how many rounds of what make a scenario.
func (c *Contest) rounds(scenario Scenario) (int, load.Round) {
	pieces := 1
	if scenario.Callers == 1 {
		pieces = SingleCallerRounds
	}
	return c.Rounds * pieces, load.Round{
		Callers: scenario.Callers,
		Payload: scenario.Payload,
		Warmup:  c.Warmup / time.Duration(pieces),
		Measure: c.Measure / time.Duration(pieces),
	}
}

// entered is a contestant whose processes run.
type entered struct {
	Contestant
	rig     Rig
	out     error         // why it has no further part in the stage
	results []load.Result // of the scenario under way
	failed  error         // why it has no further part in that
}

func enter(ctx context.Context, contestant Contestant, stage Stage) *entered {
	e := &entered{Contestant: contestant}
	if err := e.Start(ctx, &e.rig, stage); err != nil {
		e.out = fmt.Errorf("%s with %v does not start: %w", e.Name, stage, err)
	}
	return e
}

func (e *entered) round(ctx context.Context, round load.Round) {
	if e.out != nil || e.failed != nil {
		return
	}
	result, err := e.rig.round(ctx, round)
	if err == nil {
		e.results = append(e.results, result)
		return
	}
	err = fmt.Errorf("%s with %d callers of %d B: %w", e.Name, round.Callers, round.Payload, err)
	if _, ok := errors.AsType[roundError](err); ok {
		e.failed = err
	} else {
		e.out = err // it may answer yet, when nobody knows to what
	}
}

func stopAll(all []*entered) {
	for _, e := range all {
		if e != nil {
			e.rig.stop()
		}
	}
}
