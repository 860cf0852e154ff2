package calls

import (
	"context"
	"crypto/rand"
	"fmt"

	amqp "github.com/rabbitmq/amqp091-go"

	"github.com/mqrpc/mqrpc/bench/contest"
	"github.com/mqrpc/mqrpc/bench/process"
)

// Brokers is where the brokers are.
type Brokers struct {
	// RabbitMQ is the URL of one that runs, on this machine.
	RabbitMQ string
	// NATSServer is the path of the nats-server program.
	NATSServer string
}

// Contestants returns the peers of these names.
func (b Brokers) Contestants(names ...string) ([]contest.Contestant, error) {
	var contestants []contest.Contestant
	for _, name := range names {
		p, err := peerOf(name)
		if err != nil {
			return nil, err
		}
		contestants = append(contestants, contest.Contestant{
			Name: name,
			Start: func(ctx context.Context, rig *contest.Rig, stage contest.Stage) error {
				return b.start(ctx, p, rig, stage)
			},
		})
	}
	return contestants, nil
}

func (b Brokers) start(ctx context.Context, p peer, rig *contest.Rig, stage contest.Stage) error {
	config := Config{Name: "b" + rand.Text()[:8], Handler: stage.Handler, Quorum: stage.Quorum}
	var err error
	switch p.broker {
	case noBroker:
	case rabbitBroker:
		config.Broker = b.RabbitMQ
		err = b.WatchRabbitMQ(rig)
	case natsBroker:
		config.Broker, err = b.startNATS(ctx, rig)
	}
	if err != nil {
		return fmt.Errorf("its broker: %w", err)
	}
	var servers []string
	for range stage.Workers {
		address, err := rig.Start(ctx, contest.Server, append([]string{"serve", p.name}, config.arguments()...)...)
		if err != nil {
			return err
		}
		if address != "" {
			servers = append(servers, address)
		}
	}
	config.Servers = servers
	return rig.Load(ctx, append([]string{"load", p.name}, config.arguments()...)...)
}

// erlang is the program that RabbitMQ runs in.
const erlang = "beam.smp"

// WatchRabbitMQ has a rig count RabbitMQ's processor time.
func (b Brokers) WatchRabbitMQ(rig *contest.Rig) error {
	uri, err := amqp.ParseURI(b.RabbitMQ)
	if err != nil {
		return err
	}
	pid, err := process.Listener(uri.Port)
	if err != nil {
		return err
	}
	name, err := process.Name(pid)
	if err != nil {
		return err
	}
	if name != erlang {
		return fmt.Errorf("on RabbitMQ's port listens %s, not RabbitMQ itself: in a container its processor time cannot be counted", name)
	}
	rig.Watch(contest.Broker, pid)
	return nil
}
