package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/mqrpc/mqrpc/bench/calls"
	"github.com/mqrpc/mqrpc/bench/contest"
)

// runCalls is "bench calls": a cross product of the caller's choice.
func runCalls(ctx context.Context, args []string) error {
	flags := flag.NewFlagSet("bench calls", flag.ContinueOnError)
	names := flags.String("peers", strings.Join(calls.Names(), ","), "which peers")
	callers := flags.String("callers", "64,256", "how many calls are under way")
	payloads := flags.String("payload", "64", "bytes in each call")
	handlers := flags.String("handler", "0", "how long a call takes to handle: 0, 10ms")
	workers := flags.String("workers", "1", "how many server processes")
	quorum := flags.Bool("quorum", false, "RabbitMQ keeps calls in quorum queues")
	timed := timed(flags)
	brokers := brokerFlags(flags)
	if err := flags.Parse(args); err != nil {
		return err
	}
	contestants, err := brokers.Contestants(strings.Split(*names, ",")...)
	if err != nil {
		return err
	}
	var stages []contest.Stage
	var scenarios []contest.Scenario
	err = errors.Join(
		each(*handlers, time.ParseDuration, func(handler time.Duration) error {
			return each(*workers, strconv.Atoi, func(workers int) error {
				stages = append(stages, contest.Stage{Handler: handler, Workers: workers, Quorum: *quorum})
				return nil
			})
		}),
		each(*payloads, strconv.Atoi, func(payload int) error {
			return each(*callers, strconv.Atoi, func(callers int) error {
				scenarios = append(scenarios, contest.Scenario{Callers: callers, Payload: payload})
				return nil
			})
		}))
	if err != nil {
		return err
	}
	for _, stage := range stages {
		if _, err := timed.Run(ctx, stage, scenarios, contestants); err != nil {
			return err
		}
	}
	return nil
}

// timed is a contest whose rounds flags can change.
func timed(flags *flag.FlagSet) *contest.Contest {
	c := &contest.Contest{Rounds: 3, Warmup: 300 * time.Millisecond, Measure: time.Second, Note: note}
	timingFlags(flags, c)
	return c
}

// timingFlags change the rounds of a contest.
func timingFlags(flags *flag.FlagSet, c *contest.Contest) {
	flags.IntVar(&c.Rounds, "rounds", c.Rounds, "how often each peer is measured")
	secondsFlag(flags, &c.Measure, "seconds", "how long a round is measured")
	secondsFlag(flags, &c.Warmup, "warmup", "seconds before that")
}

func secondsFlag(flags *flag.FlagSet, d *time.Duration, name, usage string) {
	flags.Func(name, fmt.Sprintf("%s (default %g)", usage, d.Seconds()), func(text string) error {
		seconds, err := strconv.ParseFloat(text, 64)
		*d = time.Duration(seconds * float64(time.Second))
		return err
	})
}

// brokerFlags are where the brokers are: RabbitMQ by the environment that
// scripts/services sets, nats-server beside this program, where make builds it.
func brokerFlags(flags *flag.FlagSet) *calls.Brokers {
	var brokers calls.Brokers
	flags.StringVar(&brokers.RabbitMQ, "amqp-url", os.Getenv("MQRPC_TEST_AMQP_URL"), "RabbitMQ, on this machine; default: MQRPC_TEST_AMQP_URL")
	beside := ""
	if path, err := os.Executable(); err == nil {
		beside = filepath.Join(filepath.Dir(path), "nats-server")
	}
	flags.StringVar(&brokers.NATSServer, "nats-server", beside, "the nats-server program")
	return &brokers
}

// each parses a list with commas and does something with each element.
func each[T any](list string, parse func(string) (T, error), do func(T) error) error {
	for text := range strings.SplitSeq(list, ",") {
		value, err := parse(strings.TrimSpace(text))
		if err != nil {
			return fmt.Errorf("%q in %q: %w", text, list, err)
		}
		if err := do(value); err != nil {
			return err
		}
	}
	return nil
}

// note tells progress.
func note(format string, args ...any) { fmt.Fprintf(os.Stderr, format+"\n", args...) }
