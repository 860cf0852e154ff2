package contest

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/mqrpc/mqrpc/bench/load"
	"github.com/mqrpc/mqrpc/bench/process"
)

// The test program is its own load generator.
func TestMain(m *testing.M) {
	if len(os.Args) > 2 && os.Args[1] == "load" {
		if err := generate(os.Args[2]); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	goleak.VerifyTestMain(m)
}

// generate makes calls that take a moment. Of one kind those with an empty
// payload fail, of another the process ends.
func generate(kind string) error {
	if err := process.Ready(""); err != nil {
		return err
	}
	return load.Serve(context.Background(), os.Stdin, os.Stdout, func(ctx context.Context, round load.Round) (load.Result, error) {
		if kind == "ending" {
			os.Exit(0)
		}
		return round.Run(ctx, func(context.Context, int) error {
			if kind == "failing" && round.Payload == 0 {
				return errors.New("refused")
			}
			<-time.After(time.Millisecond)
			return nil
		})
	})
}

func loaded(name string) Contestant {
	return Contestant{Name: name, Start: func(ctx context.Context, rig *Rig, _ Stage) error {
		return rig.Load(ctx, "load", name)
	}}
}

func TestContest(t *testing.T) {
	short := Contest{Rounds: 3, Measure: 100 * time.Millisecond, Note: t.Logf}
	absent := Contestant{Name: "absent", Start: func(context.Context, *Rig, Stage) error { return errors.New("no such program") }}
	idle := Contestant{Name: "idle", Start: func(context.Context, *Rig, Stage) error { return nil }}
	rows, err := short.Run(t.Context(), Stage{Workers: 1},
		[]Scenario{{Callers: 2, Payload: 0}, {Callers: 1, Payload: 23}},
		[]Contestant{loaded("one"), loaded("failing"), loaded("ending"), absent, idle, loaded("two")})
	wrong := map[string]string{"failing": "refused", "ending": "has ended", "absent": "no such program", "idle": "no load generator"}
	for _, why := range wrong {
		if err == nil || !strings.Contains(err.Error(), why) {
			t.Errorf("the error %v does not tell of %q", err, why)
		}
	}
	if len(rows) != 12 {
		t.Fatalf("%d rows of 6 contestants in 2 scenarios", len(rows))
	}
	for _, row := range rows {
		why, rounds := wrong[row.Peer], 3
		if row.Scenario.Callers == 1 {
			rounds *= SingleCallerRounds
		}
		if row.Peer == "failing" && row.Scenario.Payload > 0 {
			why = "" // what failed before does not matter
		}
		switch {
		case why != "" && !strings.Contains(row.Error, why):
			t.Errorf("%s has the error %q", row.Peer, row.Error)
		case why == "" && (row.Error != "" || row.Rounds != rounds || row.Rate.Min <= 0 || row.CPU[Client].Min <= 0):
			t.Errorf("%s has %+v", row.Peer, row)
		}
	}
}

func TestContestEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	long := Contest{Rounds: 1, Measure: time.Hour, Note: t.Logf}
	_, err := long.Run(ctx, Stage{Workers: 1}, []Scenario{{Callers: 1}}, []Contestant{loaded("one")})
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("the error is %v", err)
	}
}
