package main

import (
	"context"
	"flag"
	"strconv"
	"time"

	"github.com/mqrpc/mqrpc/bench/transcoding"
)

// runTranscode is "bench transcode".
func runTranscode(ctx context.Context, args []string) error {
	flags := flag.NewFlagSet("bench transcode", flag.ContinueOnError)
	payloads := flags.String("payload", "23,1024,51200", "bytes of JSON in each document")
	rounds := flags.Int("rounds", 5, "how often each contender is measured")
	seconds := flags.Float64("seconds", 0.2, "how long a round is measured")
	if err := flags.Parse(args); err != nil {
		return err
	}
	var sizes []int
	err := each(*payloads, strconv.Atoi, func(size int) error {
		sizes = append(sizes, size)
		return nil
	})
	if err != nil {
		return err
	}
	bench := transcoding.Bench{Rounds: *rounds, Measure: time.Duration(*seconds * float64(time.Second)), Note: note}
	_, err = bench.Run(ctx, sizes...)
	return err
}
