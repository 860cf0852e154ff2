package calls

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/mqrpc/mqrpc/bench/load"
	"github.com/mqrpc/mqrpc/bench/process"
)

// arguments are the config as a child's arguments; parse is the way back.
func (c Config) arguments() []string {
	return []string{
		"-name", c.Name,
		"-broker", c.Broker,
		"-servers", strings.Join(c.Servers, ","),
		"-handler", c.Handler.String(),
		fmt.Sprintf("-quorum=%t", c.Quorum),
	}
}

// parse reads a peer's name and config from a child's arguments.
func parse(args []string) (peer, Config, error) {
	if len(args) == 0 {
		return peer{}, Config{}, errors.New("which peer?")
	}
	p, err := peerOf(args[0])
	if err != nil {
		return peer{}, Config{}, err
	}
	var config Config
	flags := flag.NewFlagSet(args[0], flag.ContinueOnError)
	flags.SetOutput(io.Discard) // the error says it
	flags.StringVar(&config.Name, "name", "", "what tells this contestant from others")
	flags.StringVar(&config.Broker, "broker", "", "URL of the broker")
	servers := flags.String("servers", "", "addresses of the servers, with commas")
	flags.DurationVar(&config.Handler, "handler", 0, "how long a call takes")
	flags.BoolVar(&config.Quorum, "quorum", false, "use a quorum queue")
	if err := flags.Parse(args[1:]); err != nil {
		return peer{}, Config{}, err
	}
	if *servers != "" {
		config.Servers = strings.Split(*servers, ",")
	}
	return p, config, nil
}

// Serve is a server's process: "bench serve PEER ...".
func Serve(ctx context.Context, args []string) error {
	peer, config, err := parse(args)
	if err != nil {
		return err
	}
	ctx, cancel := process.WithInput(ctx)
	defer cancel()
	return peer.serve(ctx, config, process.Ready)
}

// Load is a load generator's process: "bench load PEER ...".
func Load(ctx context.Context, args []string) (err error) {
	peer, config, err := parse(args)
	if err != nil {
		return err
	}
	client, err := peer.dial(ctx, config)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, client.close()) }()
	if err := process.Ready(""); err != nil {
		return err
	}
	return load.Serve(ctx, os.Stdin, os.Stdout, func(ctx context.Context, round load.Round) (load.Result, error) {
		return round.Run(ctx, echoCall(client, round.Payload))
	})
}

// echoCall is a call with a payload of that size.
func echoCall(c client, size int) load.Call {
	payload := make([]byte, size)
	for i := range payload {
		payload[i] = 'a' + byte(i%26)
	}
	return func(ctx context.Context, _ int) error {
		answer, err := c.echo(ctx, payload)
		if err != nil {
			return err
		}
		if !bytes.Equal(answer, payload) {
			return fmt.Errorf("%d bytes were answered with %d others", len(payload), len(answer))
		}
		return nil
	}
}
