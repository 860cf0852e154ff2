package gateways

import (
	"context"
	"fmt"

	"github.com/mqrpc/mqrpc/bench/calls"
	"github.com/mqrpc/mqrpc/bench/contest"
)

// Contestants returns the gateways of these names. What serves behind them is a
// peer of the rows of calls. program is the path of the mqrpc program.
func Contestants(brokers *calls.Brokers, program string, names ...string) ([]contest.Contestant, error) {
	var contestants []contest.Contestant
	for _, name := range names {
		p, err := peerOf(name)
		if err != nil {
			return nil, err
		}
		contestants = append(contestants, contest.Contestant{
			Name: name,
			Start: func(ctx context.Context, rig *contest.Rig, stage contest.Stage) error {
				return p.start(ctx, brokers, program, rig, stage)
			},
		})
	}
	return contestants, nil
}

func (p peer) start(ctx context.Context, brokers *calls.Brokers, program string, rig *contest.Rig, stage contest.Stage) error {
	if stage.Workers != 1 {
		return fmt.Errorf("gateways have one worker behind them, not %d", stage.Workers)
	}
	config := Config{Program: program}
	if p.broker {
		config.Target = brokers.RabbitMQ
		if err := brokers.WatchRabbitMQ(rig); err != nil {
			return fmt.Errorf("its broker: %w", err)
		}
	}
	if p.backend != "" {
		address, err := p.startBackend(ctx, config, rig, stage)
		if err != nil {
			return err
		}
		if !p.broker {
			config.Target = address
		}
	}
	address, err := rig.Start(ctx, contest.Gateway, append([]string{GatewayCommand, p.name}, config.arguments()...)...)
	if err != nil {
		return err
	}
	arguments := append([]string{LoadCommand, p.name, "-address", address}, config.arguments()...)
	return rig.Load(ctx, arguments...)
}

// startBackend starts the server, and returns its address if it has one.
func (p peer) startBackend(ctx context.Context, config Config, rig *contest.Rig, stage contest.Stage) (address string, err error) {
	return rig.Start(ctx, contest.Server,
		"serve", p.backend,
		"-name", version,
		"-broker", config.Target,
		"-handler", stage.Handler.String(),
		fmt.Sprintf("-quorum=%t", stage.Quorum))
}
