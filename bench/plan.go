package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"os"
	"time"

	"github.com/mqrpc/mqrpc/bench/calls"
	"github.com/mqrpc/mqrpc/bench/contest"
	"github.com/mqrpc/mqrpc/bench/report"
	"github.com/mqrpc/mqrpc/bench/transcoding"
)

const (
	quickLimit = time.Minute
	allLimit   = 30 * time.Minute
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

// runQuick is "bench quick": the headlines, then one line of JSON.
func runQuick(ctx context.Context, args []string) error {
	flags := flag.NewFlagSet("bench quick", flag.ContinueOnError)
	brokers := brokerFlags(flags)
	if err := flags.Parse(args); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, quickLimit)
	defer cancel()
	results := &report.Results{}
	err := measure(ctx, results, plan{
		brokers:   brokers,
		calls:     quickSessions(),
		contest:   &contest.Contest{Rounds: 5, Warmup: 150 * time.Millisecond, Measure: 450 * time.Millisecond, Note: note},
		documents: []int{medium},
		transcode: &transcoding.Bench{Rounds: 5, Measure: 100 * time.Millisecond, Note: note},
	})
	if err != nil {
		return err
	}
	headline, err := results.Headline()
	if err != nil {
		return err
	}
	return json.NewEncoder(os.Stdout).Encode(headline)
}

// runAll is "bench all": everything, into a directory.
func runAll(ctx context.Context, args []string) error {
	flags := flag.NewFlagSet("bench all", flag.ContinueOnError)
	out := flags.String("out", "results", "directory for the results")
	brokers := brokerFlags(flags)
	if err := flags.Parse(args); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, allLimit)
	defer cancel()
	machine, err := report.ThisMachine(ctx, brokers.RabbitMQ, brokers.NATSServer)
	if err != nil {
		return err
	}
	p := plan{
		brokers:   brokers,
		calls:     allSessions(),
		contest:   &contest.Contest{Rounds: 5, Warmup: 300 * time.Millisecond, Measure: time.Second, Note: note},
		documents: []int{small, medium, large},
		transcode: &transcoding.Bench{Rounds: 5, Measure: 200 * time.Millisecond, Note: note},
	}
	results := &report.Results{Began: time.Now(), Machine: machine, RoundS: p.contest.Measure.Seconds()}
	err = measure(ctx, results, p)
	results.TookS = int(time.Since(results.Began).Seconds())
	return errors.Join(err, results.Write(*out))
}

// runReport is "bench report": the tables and the picture of results that are
// there, once more.
func runReport(_ context.Context, args []string) error {
	flags := flag.NewFlagSet("bench report", flag.ContinueOnError)
	dir := flags.String("out", "results", "directory of the results")
	if err := flags.Parse(args); err != nil {
		return err
	}
	results, err := report.Read(*dir)
	if err != nil {
		return err
	}
	return results.Write(*dir)
}

// plan is what a run measures.
type plan struct {
	brokers   *calls.Brokers
	calls     []session
	contest   *contest.Contest
	documents []int
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
	rows, err := p.transcode.Run(ctx, p.documents...)
	results.Transcode = rows
	return errors.Join(failed, err)
}
