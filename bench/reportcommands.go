package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"os"
	"time"

	"github.com/mqrpc/mqrpc/bench/report"
)

const (
	quickLimit = time.Minute
	allLimit   = 30 * time.Minute
)

// runQuick is "bench quick": the headlines, then one line of JSON.
func runQuick(ctx context.Context, args []string) error {
	flags := flag.NewFlagSet("bench quick", flag.ContinueOnError)
	programs := programFlags(flags)
	if err := flags.Parse(args); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, quickLimit)
	defer cancel()
	results := &report.Results{}
	if err := quickPlan().measure(ctx, programs, results); err != nil {
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
	plan := allPlan()
	flags := flag.NewFlagSet("bench all", flag.ContinueOnError)
	out := flags.String("out", "results", "directory for the results")
	timingFlags(flags, &plan.contest)
	programs := programFlags(flags)
	if err := flags.Parse(args); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, allLimit)
	defer cancel()
	machine, err := report.ThisMachine(ctx, programs.brokers.RabbitMQ, programs.brokers.NATSServer)
	if err != nil {
		return err
	}
	results := &report.Results{Began: time.Now(), Machine: machine, Rounds: plan.contest.Rounds, RoundS: plan.contest.Measure.Seconds()}
	err = plan.measure(ctx, programs, results)
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
