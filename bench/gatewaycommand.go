package main

import (
	"context"
	"flag"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/mqrpc/mqrpc/bench/contest"
	"github.com/mqrpc/mqrpc/bench/gateways"
)

// runGateways is "bench gateways".
func runGateways(ctx context.Context, args []string) error {
	flags := flag.NewFlagSet("bench gateways", flag.ContinueOnError)
	names := flags.String("peers", strings.Join(gateways.Names(), ","), "which gateways")
	callers := flags.String("callers", "256", "how many connections")
	payloads := flags.String("payload", "23,1024,51200", "bytes of JSON in each document")
	program := programFlag(flags)
	timed := timed(flags)
	brokers := brokerFlags(flags)
	if err := flags.Parse(args); err != nil {
		return err
	}
	contestants, err := gateways.Contestants(brokers, *program, strings.Split(*names, ",")...)
	if err != nil {
		return err
	}
	var scenarios []contest.Scenario
	err = each(*payloads, strconv.Atoi, func(payload int) error {
		return each(*callers, strconv.Atoi, func(callers int) error {
			scenarios = append(scenarios, contest.Scenario{Callers: callers, Payload: payload})
			return nil
		})
	})
	if err != nil {
		return err
	}
	_, err = timed.Run(ctx, contest.Stage{Workers: 1}, scenarios, contestants)
	return err
}

// programFlag is where the mqrpc program is: beside this one, where make builds
// it.
func programFlag(flags *flag.FlagSet) *string {
	beside := ""
	if path, err := os.Executable(); err == nil {
		beside = filepath.Join(filepath.Dir(path), "mqrpc")
	}
	return flags.String("mqrpc", beside, "the mqrpc program")
}
