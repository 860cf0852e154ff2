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

// generate makes calls that take a moment, and of one kind fail at once.
func generate(kind string) error {
	if err := process.Ready(""); err != nil {
		return err
	}
	return load.Serve(context.Background(), os.Stdin, os.Stdout, func(int) (load.Call, error) {
		return func(context.Context) error {
			if kind == "failing" {
				return errors.New("refused")
			}
			<-time.After(time.Millisecond)
			return nil
		}, nil
	})
}

func loaded(name string) Contestant {
	return Contestant{Name: name, Start: func(ctx context.Context, rig *Rig, _ Stage) error {
		return rig.Load(ctx, "load", name)
	}}
}

func TestContest(t *testing.T) {
	short := Contest{Rounds: 3, Measure: 20 * time.Millisecond, Note: t.Logf}
	absent := Contestant{Name: "absent", Start: func(context.Context, *Rig, Stage) error { return errors.New("no such program") }}
	idle := Contestant{Name: "idle", Start: func(context.Context, *Rig, Stage) error { return nil }}
	rows, err := short.Run(t.Context(), Stage{Workers: 1},
		[]Scenario{{Callers: 2, Payload: 23}, {Callers: 4, Payload: 23}},
		[]Contestant{loaded("one"), loaded("failing"), absent, idle, loaded("two")})
	wrong := map[string]string{"failing": "refused", "absent": "no such program", "idle": "no load generator"}
	for _, why := range wrong {
		if err == nil || !strings.Contains(err.Error(), why) {
			t.Errorf("the error %v does not tell of %q", err, why)
		}
	}
	if len(rows) != 10 {
		t.Fatalf("%d rows of 5 contestants in 2 scenarios", len(rows))
	}
	for _, row := range rows {
		switch why := wrong[row.Peer]; {
		case why != "" && !strings.Contains(row.Error, why):
			t.Errorf("%s has the error %q", row.Peer, row.Error)
		case why == "" && (row.Error != "" || row.Rounds != 3 || row.Rate.Min <= 0 || row.CPU[Client].Min <= 0):
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
