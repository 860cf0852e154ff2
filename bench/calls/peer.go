package calls

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Config is what a server or client of any peer is started with.
type Config struct {
	// Name tells the processes of one contestant from all others: in the names
	// of queues and subjects.
	Name string
	// Broker is the URL of the peer's broker, if it has one.
	Broker string
	// Servers are the addresses of the peer's servers, if they have any.
	Servers []string
	// Handler is how long a server takes to handle a call.
	Handler time.Duration
	// Quorum has RabbitMQ keep calls in a quorum queue.
	Quorum bool
}

// peer is a way to make calls.
type peer struct {
	name   string
	broker broker
	// serve serves until ctx ends. It calls ready once, with its address if it
	// has one.
	serve func(ctx context.Context, config Config, ready func(address string) error) error
	// dial returns what makes calls, until it is closed.
	dial func(ctx context.Context, config Config) (client, error)
	// aside peers are measured only when somebody asks for them.
	aside bool
}

// client makes calls of one peer. Its echo is called concurrently.
type client interface {
	// echo sends a payload and returns the answer.
	echo(ctx context.Context, payload []byte) ([]byte, error)
	close() error
}

// broker is what a peer's calls go through.
type broker int

const (
	noBroker broker = iota
	rabbitBroker
	natsBroker
)

// peers are all peers, in the order in which tables have them.
var peers = []peer{
	{name: "mqrpc", broker: rabbitBroker, serve: batched.serve, dial: batched.dial},
	{name: "mqrpc-unbatched", broker: rabbitBroker, serve: unbatched.serve, dial: unbatched.dial},
	{name: "amqp", broker: rabbitBroker, serve: tutorial.serve, dial: tutorial.dial},
	{name: "amqp-safe", broker: rabbitBroker, serve: safe.serve, dial: safe.dial, aside: true},
	{name: "grpc", serve: serveGRPC, dial: dialGRPC},
	{name: "connect", serve: connectHTTP2.serve, dial: connectHTTP2.dial},
	{name: "connect-http1", serve: connectHTTP1.serve, dial: connectHTTP1.dial},
	{name: "nats", broker: natsBroker, serve: serveNATS, dial: dialNATS},
}

// Names are the names of the peers that are measured when nobody says which.
func Names() []string {
	return names(func(p peer) bool { return !p.aside })
}

func names(which func(peer) bool) []string {
	var names []string
	for _, p := range peers {
		if which(p) {
			names = append(names, p.name)
		}
	}
	return names
}

func peerOf(name string) (peer, error) {
	i := slices.IndexFunc(peers, func(p peer) bool { return p.name == name })
	if i < 0 {
		return peer{}, fmt.Errorf("there is no peer %q; there are %s", name,
			strings.Join(names(func(peer) bool { return true }), ", "))
	}
	return peers[i], nil
}

// handle takes as long as a call shall take to handle.
func (c Config) handle() {
	if c.Handler > 0 {
		<-time.After(c.Handler)
	}
}
