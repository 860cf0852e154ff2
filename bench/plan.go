package main

import (
	"context"
	"errors"
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

// quickSessions are the headlines' rows.
func quickSessions() []session {
	return []session{{
		contest.Stage{Workers: 1},
		scenarios([]int{report.HeadlinePayload}, []int{1, 64, 256}),
		[]string{"mqrpc", "amqp", "grpc"},
	}}
}

// allSessions are the rows of make bench: every payload with every number of
// callers, then the smallest payload with slow handlers, more workers and
// quorum queues, where the number of callers makes a difference.
func allSessions() []session {
	names := calls.Names()
	many := []int{64, 256, 1024}
	const slow = 10 * time.Millisecond
	return []session{
		{contest.Stage{Workers: 1}, scenarios([]int{small, medium, large}, []int{1, 16, 64, 256, 1024}), names},
		{contest.Stage{Workers: 4}, scenarios([]int{small}, many), names},
		{contest.Stage{Workers: 1, Handler: slow}, scenarios([]int{small}, many), names},
		{contest.Stage{Workers: 4, Handler: slow}, scenarios([]int{small}, many), names},
		{contest.Stage{Workers: 1, Quorum: true}, scenarios([]int{small}, many), []string{"mqrpc", "amqp"}},
	}
}

// plan is what a run measures.
type plan struct {
	brokers   *calls.Brokers
	calls     []session
	contest   *contest.Contest
	program   string // mqrpc's
	gateways  []contest.Scenario
	documents []int // bytes of JSON
	transcode *transcoding.Bench
}

// measure does it. What fails is in the results and in the error; the rest goes
// on.
func measure(ctx context.Context, results *report.Results, p plan) error {
	var failed error
	for _, s := range p.calls {
		contestants, err := p.brokers.Contestants(s.peers...)
		if err != nil {
			return err
		}
		rows, err := p.contest.Run(ctx, s.stage, s.scenarios, contestants)
		results.Calls = append(results.Calls, rows...)
		failed = errors.Join(failed, err)
	}
	contestants, err := gateways.Contestants(p.brokers, p.program, gateways.Names()...)
	if err != nil {
		return err
	}
	results.Gateways, err = p.contest.Run(ctx, contest.Stage{Workers: 1}, p.gateways, contestants)
	failed = errors.Join(failed, err)
	results.Transcode, err = p.transcode.Run(ctx, p.documents...)
	return errors.Join(failed, err)
}
