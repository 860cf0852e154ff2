// Command bench measures mqrpc beside its peers. Run it by
//
//	make bench        everything, into bench/results, in less than 30 minutes
//	make bench-quick  the headlines, in less than a minute; the last line is JSON
//
// or a part of it, with flags of one's choice, by
//
//	make bench-calls BENCH_ARGS='-peers mqrpc,amqp -callers 64,256'
//
// What is measured, how, and how to read it is in docs/benchmarks.md.
//
//   - main.go: the subcommands
//   - plan.go: what make bench and make bench-quick measure
//   - reportcommands.go: those two, and their results once more
//   - callscommand.go, gatewaycommand.go, transcodecommand.go: the parts, with
//     flags of one's choice
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/mqrpc/mqrpc/bench/calls"
	"github.com/mqrpc/mqrpc/bench/gateways"
)

// command is a subcommand.
type command struct {
	name string
	does string
	run  func(ctx context.Context, args []string) error
}

func commands() []command {
	return []command{
		{"all", "measure everything, into files", runAll},
		{"quick", "measure the headlines; the last line is JSON", runQuick},
		{"report", "make the tables and the picture of results anew", runReport},
		{"calls", "measure calls: peers, callers, payloads by flags", runCalls},
		{"transcode", "measure transcoders: payloads by flags", runTranscode},
		{"gateways", "measure gateways: peers, connections, payloads by flags", runGateways},
		{"serve", "be the server of a peer; started by the others", calls.Serve},
		{"load", "make the calls of a peer; started by the others", calls.Load},
		{gateways.GatewayCommand, "be a gateway; started by the others", gateways.ServeGateway},
		{gateways.LoadCommand, "load a gateway; started by the others", gateways.Load},
	}
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:])
	stop()
	switch {
	case errors.Is(err, flag.ErrHelp):
		os.Exit(2)
	case err != nil:
		fmt.Fprintf(os.Stderr, "bench: %v\n", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string) error {
	for _, c := range commands() {
		if len(args) > 0 && args[0] == c.name {
			return c.run(ctx, args[1:])
		}
	}
	var usage strings.Builder
	for _, c := range commands() {
		fmt.Fprintf(&usage, "\n  %-10s %s", c.name, c.does)
	}
	return fmt.Errorf("usage: bench COMMAND [FLAGS]%s", usage.String())
}
