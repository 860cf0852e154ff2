package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"os"
	"time"

	"github.com/mqrpc/mqrpc/bench/contest"
	"github.com/mqrpc/mqrpc/bench/report"
	"github.com/mqrpc/mqrpc/bench/transcoding"
)

const (
	quickLimit = time.Minute
	allLimit   = 30 * time.Minute
)

// runQuick is "bench quick": the headlines, then one line of JSON.
func runQuick(ctx context.Context, args []string) error {
	flags := flag.NewFlagSet("bench quick", flag.ContinueOnError)
	program := programFlag(flags)
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
		program:   *program,
		gateways:  scenarios([]int{report.HeadlineDocument}, []int{256}),
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
	timing := timingFlags(flags, 5)
	program := programFlag(flags)
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
		contest:   timing(),
		program:   *program,
		gateways:  scenarios([]int{small, medium, large}, []int{1, 64, 256}),
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
