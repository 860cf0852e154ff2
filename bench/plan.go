package main

import (
	"context"
	"errors"
	"flag"
	"time"

	"github.com/mqrpc/mqrpc/bench/calls"
	"github.com/mqrpc/mqrpc/bench/contest"
	"github.com/mqrpc/mqrpc/bench/gateways"
	"github.com/mqrpc/mqrpc/bench/report"
	"github.com/mqrpc/mqrpc/bench/transcoding"
)

// The sizes of payloads and documents.
const (
	small  = 23
	medium = 1 << 10
	large  = 50 << 10
)

// session is what peers measure in one stage.
type session struct {
	stage     contest.Stage
	scenarios []contest.Scenario
	peers     []string
}

// scenarios of payloads and callers; the callers change faster.
func scenarios(payloads, callers []int) []contest.Scenario {
	var all []contest.Scenario
	for _, payload := range payloads {
		for _, c := range callers {
			all = append(all, contest.Scenario{Callers: c, Payload: payload})
		}
	}
	return all
}

// plan is what a run measures.
type plan struct {
	contest   contest.Contest
	calls     []session
	gateways  []contest.Scenario
	transcode transcoding.Bench
	documents []int // bytes of JSON
}

// quickPlan is the headlines' rows. The two whose latencies are compared take
// turns with nobody between them.
func quickPlan() plan {
	one := contest.Stage{Workers: 1}
	return plan{
		contest: contest.Contest{Rounds: 7, Warmup: 130 * time.Millisecond, Measure: 320 * time.Millisecond, Note: note},
		calls: []session{
			{one, scenarios([]int{report.HeadlinePayload}, []int{1}), []string{"mqrpc", "amqp"}},
			{one, scenarios([]int{report.HeadlinePayload}, []int{64, 256}), []string{"mqrpc", "amqp", "grpc"}},
		},
		gateways:  scenarios([]int{report.HeadlineDocument}, []int{256}),
		transcode: transcoding.Bench{Rounds: 5, Measure: 100 * time.Millisecond, Note: note},
		documents: []int{medium},
	}
}

// allPlan is the rows of make bench: every payload with every number of
// callers, then the smallest payload with slow handlers, more workers and
// quorum queues, where the number of callers makes a difference.
func allPlan() plan {
	names := calls.Names()
	many := []int{64, 256, 1024}
	const slow = 10 * time.Millisecond
	return plan{
		contest: contest.Contest{Rounds: 9, Warmup: 200 * time.Millisecond, Measure: 500 * time.Millisecond, Note: note},
		calls: []session{
			{contest.Stage{Workers: 1}, scenarios([]int{small, medium, large}, []int{1, 16, 64, 256, 1024}), names},
			{contest.Stage{Workers: 4}, scenarios([]int{small}, many), names},
			{contest.Stage{Workers: 1, Handler: slow}, scenarios([]int{small}, many), names},
			{contest.Stage{Workers: 4, Handler: slow}, scenarios([]int{small}, many), names},
			{contest.Stage{Workers: 1, Quorum: true}, scenarios([]int{small}, many), []string{"mqrpc", "amqp"}},
		},
		gateways:  scenarios([]int{small, medium, large}, []int{1, 64, 256}),
		transcode: transcoding.Bench{Rounds: 5, Measure: 200 * time.Millisecond, Note: note},
		documents: []int{small, medium, large},
	}
}

// programs are what a plan needs besides this program.
type programs struct {
	brokers *calls.Brokers
	mqrpc   *string // path
}

func programFlags(flags *flag.FlagSet) programs {
	return programs{brokerFlags(flags), programFlag(flags)}
}

// measure carries the plan out. What fails is in the results and in the error;
// the rest goes on.
func (p plan) measure(ctx context.Context, programs programs, results *report.Results) error {
	var failed error
	for _, s := range p.calls {
		contestants, err := programs.brokers.Contestants(s.peers...)
		if err != nil {
			return err
		}
		rows, err := p.contest.Run(ctx, s.stage, s.scenarios, contestants)
		results.Calls = append(results.Calls, rows...)
		failed = errors.Join(failed, err)
	}
	contestants, err := gateways.Contestants(programs.brokers, *programs.mqrpc, gateways.Names()...)
	if err != nil {
		return err
	}
	results.Gateways, err = p.contest.Run(ctx, contest.Stage{Workers: 1}, p.gateways, contestants)
	failed = errors.Join(failed, err)
	results.Transcode, err = p.transcode.Run(ctx, p.documents...)
	return errors.Join(failed, err)
}
