//go:build services

package calls

import (
	"os"
	"testing"
	"time"

	"github.com/mqrpc/mqrpc/bench/contest"
)

// TestWithBrokers calls all peers, over the RabbitMQ that scripts/services
// starts and the nats-server that make bin/nats-server builds.
func TestWithBrokers(t *testing.T) {
	brokers := Brokers{RabbitMQ: os.Getenv("MQRPC_TEST_AMQP_URL"), NATSServer: "../../bin/nats-server"}
	if brokers.RabbitMQ == "" {
		t.Fatal("MQRPC_TEST_AMQP_URL is not set: run make test")
	}
	smoke(t, brokers, contest.Stage{Workers: 1}, names(func(peer) bool { return true })...)
	smoke(t, brokers, contest.Stage{Workers: 2, Handler: time.Millisecond}, Names()...)
	smoke(t, brokers, contest.Stage{Workers: 1, Quorum: true}, "mqrpc", "amqp")
}
