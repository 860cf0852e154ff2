package gateways

import (
	"context"
	"errors"
	"flag"
	"net"
	"os"
	"runtime"

	"github.com/mqrpc/mqrpc/bench/load"
	"github.com/mqrpc/mqrpc/bench/process"
)

// The subcommands of the processes that a contestant starts.
const (
	GatewayCommand = "serve-gateway"
	LoadCommand    = "load-gateway"
)

// arguments are the config as a child's arguments; flags is the way back.
func (c Config) arguments() []string {
	return []string{"-target", c.Target, "-mqrpc", c.Program}
}

func (c *Config) flags(name string) *flag.FlagSet {
	flags := flag.NewFlagSet(name, flag.ContinueOnError)
	flags.StringVar(&c.Target, "target", "", "where the servers are")
	flags.StringVar(&c.Program, "mqrpc", "", "the mqrpc program")
	return flags
}

// ServeGateway is a gateway's process: "bench serve-gateway PEER ...".
func ServeGateway(ctx context.Context, args []string) error {
	if len(args) == 0 {
		return errors.New("which gateway?")
	}
	p, err := peerOf(args[0])
	if err != nil {
		return err
	}
	var config Config
	if err := config.flags(p.name).Parse(args[1:]); err != nil {
		return err
	}
	listener, err := net.ListenTCP("tcp4", &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		return err
	}
	defer func() { _ = listener.Close() }() // or it has been already
	if err := process.Ready(listener.Addr().String()); err != nil {
		return err
	}
	ctx, cancel := process.Stopped(ctx)
	defer cancel()
	return p.serve(ctx, config, listener)
}

// Load is a load generator's process: "bench load-gateway PEER ...". It keeps to
// one processor at a time, so that it takes as little as it can from the gateway:
// goroutines that need not be woken across processors cost a fifth less.
func Load(ctx context.Context, args []string) error {
	if len(args) == 0 {
		return errors.New("which gateway?")
	}
	p, err := peerOf(args[0])
	if err != nil {
		return err
	}
	var config Config
	flags := config.flags(p.name)
	l := loader{peer: p}
	flags.StringVar(&l.address, "address", "", "the gateway's address")
	if err := flags.Parse(args[1:]); err != nil {
		return err
	}
	runtime.GOMAXPROCS(1)
	if err := l.awaitGateway(ctx); err != nil {
		return err
	}
	if err := process.Ready(""); err != nil {
		return err
	}
	return load.Serve(ctx, os.Stdin, os.Stdout, l.round)
}
