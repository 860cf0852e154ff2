package load

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/mqrpc/mqrpc/bench/process"
)

// Call makes one call and checks its answer. It is called concurrently.
type Call func(ctx context.Context) error

// Round says how to load a peer once.
type Round struct {
	// Callers is how many calls are under way at any moment.
	Callers int `json:"callers"`
	// Payload is the size of what each call carries, in bytes.
	Payload int `json:"payload"`
	// Warmup is for how long calls are made before they count, Measure for how
	// long they count.
	Warmup  time.Duration `json:"warmup"`
	Measure time.Duration `json:"measure"`
	// Processes are the ids of those whose processor time counts, by role.
	Processes map[string][]int `json:"processes"`
}

// Result is what a round came to.
type Result struct {
	Calls   uint64        `json:"calls"`
	Elapsed time.Duration `json:"elapsed"`
	P50     time.Duration `json:"p50"`
	P99     time.Duration `json:"p99"`
	// CPU is the processor time used in the measured time, by role.
	CPU map[string]time.Duration `json:"cpu"`
}

// grace is how long the calls of a round may go on when its time is over.
const grace = 15 * time.Second

// Run makes calls from Callers goroutines, each as soon as its last is
// answered, and counts those that are answered in the measured time. The first
// call that fails ends the round.
//
// All calls have the same context, without a deadline: it is canceled when a
// call fails, and 15 s after the round's end.
func (r Round) Run(ctx context.Context, call Call) (Result, error) {
	if r.Callers <= 0 || r.Measure <= 0 || r.Warmup < 0 {
		return Result{}, fmt.Errorf("a round of %d callers and %v after %v is none", r.Callers, r.Measure, r.Warmup)
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	l := &loop{call: call, cancel: cancel}
	var callers sync.WaitGroup
	for range r.Callers {
		callers.Go(func() { l.run(ctx) })
	}
	result, err := l.measure(ctx, r)
	l.phase.Store(over)
	overdue := time.AfterFunc(grace, func() {
		cancel(fmt.Errorf("calls are unanswered %v after the end", grace))
	})
	defer overdue.Stop()
	callers.Wait()
	if err := errors.Join(context.Cause(ctx), err); err != nil {
		return Result{}, err
	}
	return result, nil
}

// The phases of a loop.
const (
	warmup int32 = iota
	measuring
	over
)

// loop is a round under way.
type loop struct {
	call      Call
	cancel    context.CancelCauseFunc
	phase     atomic.Int32
	histogram Histogram
}

// run is one caller.
func (l *loop) run(ctx context.Context) {
	last := time.Now()
	for ctx.Err() == nil {
		if err := l.call(ctx); err != nil {
			l.cancel(fmt.Errorf("a call failed: %w", err))
			return
		}
		now := time.Now()
		switch l.phase.Load() {
		case measuring:
			l.histogram.Record(now.Sub(last))
		case over:
			return
		}
		last = now
	}
}

// measure waits for the warm-up and for the time in which calls count.
func (l *loop) measure(ctx context.Context, round Round) (Result, error) {
	if err := wait(ctx, round.Warmup); err != nil {
		return Result{}, err
	}
	before, err := CPUTimes(round.Processes)
	if err != nil {
		return Result{}, err
	}
	l.phase.Store(measuring)
	begin := time.Now()
	err = wait(ctx, round.Measure)
	l.phase.Store(over)
	elapsed := time.Since(begin)
	if err != nil {
		return Result{}, err
	}
	cpu, err := CPUTimes(round.Processes)
	if err != nil {
		return Result{}, err
	}
	for role := range cpu {
		cpu[role] -= before[role]
	}
	return Result{
		Calls:   l.histogram.Count(),
		Elapsed: elapsed,
		P50:     l.histogram.Percentile(0.50),
		P99:     l.histogram.Percentile(0.99),
		CPU:     cpu,
	}, nil
}

func wait(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// CPUTimes adds up the processor times of processes by role, since they started.
func CPUTimes(processes map[string][]int) (map[string]time.Duration, error) {
	times := make(map[string]time.Duration, len(processes))
	for role, pids := range processes {
		for _, pid := range pids {
			used, err := process.CPUTime(pid)
			if err != nil {
				return nil, fmt.Errorf("the %s: %w", role, err)
			}
			times[role] += used
		}
	}
	return times, nil
}
