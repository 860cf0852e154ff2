package load

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestRoundCounts(t *testing.T) {
	var underWay, most, made atomic.Int64
	var callers [8]atomic.Int64
	call := func(ctx context.Context, caller int) error {
		callers[caller].Add(1)
		n := underWay.Add(1)
		defer underWay.Add(-1)
		for seen := most.Load(); n > seen && !most.CompareAndSwap(seen, n); seen = most.Load() {
		}
		made.Add(1)
		return wait(ctx, time.Millisecond)
	}
	round := Round{
		Callers: 8, Warmup: 20 * time.Millisecond, Measure: 100 * time.Millisecond,
		Processes: map[string][]int{"client": {os.Getpid()}},
	}
	result, err := round.Run(t.Context(), call)
	if err != nil {
		t.Fatal(err)
	}
	for caller := range callers {
		if callers[caller].Load() == 0 {
			t.Errorf("caller %d has made no call", caller)
		}
	}
	if most.Load() != 8 {
		t.Errorf("at most %d calls were under way, not 8", most.Load())
	}
	if result.Calls == 0 || int64(result.Calls) >= made.Load() {
		t.Errorf("%d calls counted of %d with those of the warm-up", result.Calls, made.Load())
	}
	if result.Elapsed < round.Measure || result.P50 < time.Millisecond || result.P99 < result.P50 {
		t.Errorf("%v measured, p50 %v, p99 %v", result.Elapsed, result.P50, result.P99)
	}
	if used := result.CPU["client"]; used <= 0 || used > 10*result.Elapsed {
		t.Errorf("the client used %v in %v", used, result.Elapsed)
	}
}

func TestRoundFails(t *testing.T) {
	refused := errors.New("refused")
	for name, test := range map[string]struct {
		round Round
		call  Call
		want  string
	}{
		"call":        {Round{Callers: 4, Measure: time.Minute}, func(context.Context, int) error { return refused }, "refused"},
		"nothing":     {Round{Measure: time.Second}, nil, "none"},
		"no process":  {Round{Callers: 1, Measure: time.Second, Processes: map[string][]int{"broker": {1 << 21}}}, answered, "broker"},
		"unfinishing": {Round{Callers: 1, Measure: time.Second}, cancelled, "canceled"},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := test.round.Run(t.Context(), test.call); err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("the error is %v, not %q", err, test.want)
			}
		})
	}
}

func answered(ctx context.Context, _ int) error { return wait(ctx, time.Millisecond) }
func cancelled(context.Context, int) error      { return context.Canceled }

// TestLatencies holds percentiles to a thousandth, and to a minute.
func TestLatencies(t *testing.T) {
	l := newLoop(nil, nil)
	const n = 10_000
	for i := 1; i <= n; i++ {
		l.record(time.Duration(i) * time.Microsecond)
	}
	got := l.summary()
	if got.Calls != n {
		t.Errorf("%d calls, not %d", got.Calls, n)
	}
	for _, percentile := range []struct{ got, want time.Duration }{
		{got.P50, 5 * time.Millisecond}, {got.P99, 9900 * time.Microsecond},
	} {
		if off := (percentile.got - percentile.want).Abs(); off > percentile.want/1000 {
			t.Errorf("%v, not %v", percentile.got, percentile.want)
		}
	}
	for range 100 * n {
		l.record(time.Hour)
	}
	if got := l.summary(); got.Calls != 101*n || got.P99.Round(time.Second) != longest {
		t.Errorf("%d calls with those of an hour, p99 %v", got.Calls, got.P99)
	}
}

func TestServe(t *testing.T) {
	orders := strings.NewReader(`{"callers":2,"payload":7,"measure":20000000}` + "\n" + `{"callers":2,"payload":0,"measure":20000000}` + "\n")
	var output bytes.Buffer
	var payloads []int
	err := Serve(t.Context(), orders, &output, func(ctx context.Context, round Round) (Result, error) {
		payloads = append(payloads, round.Payload)
		if round.Payload == 0 {
			return Result{}, errors.New("no payload")
		}
		return round.Run(ctx, answered)
	})
	if err != nil {
		t.Fatal(err)
	}
	var first, second Outcome
	decoder := json.NewDecoder(&output)
	if err := errors.Join(decoder.Decode(&first), decoder.Decode(&second)); err != nil {
		t.Fatal(err)
	}
	if first.Result == nil || first.Result.Calls == 0 || payloads[0] != 7 {
		t.Errorf("the first round came to %+v, with payloads %v", first, payloads)
	}
	if second.Result != nil || second.Error != "no payload" {
		t.Errorf("the second round came to %+v", second)
	}
	if err := Serve(t.Context(), strings.NewReader("?\n"), &output, nil); err == nil {
		t.Error("an order that is no JSON is obeyed")
	}
}
