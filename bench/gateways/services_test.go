//go:build services

package gateways

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/mqrpc/mqrpc/bench/calls"
)

// TestWithBrokers asks all gateways; mqrpc's over the RabbitMQ that
// scripts/services starts.
func TestWithBrokers(t *testing.T) {
	brokers := &calls.Brokers{RabbitMQ: os.Getenv("MQRPC_TEST_AMQP_URL")}
	if brokers.RabbitMQ == "" {
		t.Fatal("MQRPC_TEST_AMQP_URL is not set: run make test")
	}
	program := filepath.Join(t.TempDir(), "mqrpc")
	build := exec.CommandContext(t.Context(), "go", "build", "-o", program, "./cmd/mqrpc")
	build.Dir = "../.."
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("building the mqrpc program: %v\n%s", err, out)
	}
	smoke(t, brokers, program, Names()...)
}
