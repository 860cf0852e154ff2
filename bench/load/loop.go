package load

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"

	"github.com/mqrpc/mqrpc/bench/process"
)

// Call makes one call and checks its answer. Callers, which are numbered from 0,
// call it concurrently; each has one call under way at a time.
type Call func(ctx context.Context, caller int) error

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

// Limit bounds the time that a round takes with its last calls.
func (r Round) Limit() time.Duration { return r.Warmup + r.Measure + grace }

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
	l := newLoop(call, cancel)
	var callers sync.WaitGroup
	for caller := range r.Callers {
		callers.Go(func() { l.run(ctx, caller) })
	}
	elapsed, cpu, err := l.measure(ctx, r)
	l.phase.Store(over)
	overdue := time.AfterFunc(grace, func() {
		cancel(fmt.Errorf("calls are unanswered %v after the end", grace))
	})
	defer overdue.Stop()
	callers.Wait()
	if err := errors.Join(context.Cause(ctx), err); err != nil {
		return Result{}, err
	}
	result := l.summary()
	result.Elapsed, result.CPU = elapsed, cpu
	return result, nil
}

// The phases of a loop.
const (
	warmup int32 = iota
	measuring
	over
)

// Latencies are kept to three digits, up to a minute; a longer one counts as a
// minute.
const (
	digits  = 3
	longest = time.Minute
)

// loop is a round under way.
type loop struct {
	call   Call
	cancel context.CancelCauseFunc
	phase  atomic.Int32

	mu        sync.Mutex // guards latencies
	latencies *hdrhistogram.Histogram
}

func newLoop(call Call, cancel context.CancelCauseFunc) *loop {
	return &loop{call: call, cancel: cancel, latencies: hdrhistogram.New(1, int64(longest), digits)}
}

// run is one caller.
func (l *loop) run(ctx context.Context, caller int) {
	last := time.Now()
	for ctx.Err() == nil {
		if err := l.call(ctx, caller); err != nil {
			l.cancel(fmt.Errorf("a call failed: %w", err))
			return
		}
		now := time.Now()
		switch l.phase.Load() {
		case measuring:
			l.record(now.Sub(last))
		case over:
			return
		}
		last = now
	}
}

// record counts a call's latency.
func (l *loop) record(latency time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	_ = l.latencies.RecordValue(int64(min(latency, longest))) // it fails beyond longest only
}

// summary is what the calls that were counted came to.
func (l *loop) summary() Result {
	l.mu.Lock()
	defer l.mu.Unlock()
	return Result{
		Calls: uint64(l.latencies.TotalCount()), //nolint:gosec // not negative
		P50:   time.Duration(l.latencies.ValueAtPercentile(50)),
		P99:   time.Duration(l.latencies.ValueAtPercentile(99)),
	}
}

// measure waits for the warm-up and for the time in which calls count. It
// returns how long that was, and the processor times used in it.
func (l *loop) measure(ctx context.Context, round Round) (elapsed time.Duration, cpu map[string]time.Duration, err error) {
	if err := wait(ctx, round.Warmup); err != nil {
		return 0, nil, err
	}
	before, err := cpuTimes(round.Processes)
	if err != nil {
		return 0, nil, err
	}
	l.phase.Store(measuring)
	begin := time.Now()
	err = wait(ctx, round.Measure)
	l.phase.Store(over)
	elapsed = time.Since(begin)
	if err != nil {
		return 0, nil, err
	}
	cpu, err = cpuTimes(round.Processes)
	if err != nil {
		return 0, nil, err
	}
	for role := range cpu {
		cpu[role] -= before[role]
	}
	return elapsed, cpu, nil
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

// cpuTimes adds up the processor times of processes by role, since they started.
func cpuTimes(processes map[string][]int) (map[string]time.Duration, error) {
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
