package gateways

import (
	"context"
	"testing"

	"github.com/mqrpc/mqrpc/bench/calls"
	"github.com/mqrpc/mqrpc/bench/process/processtest"
)

func TestMain(m *testing.M) {
	processtest.Main(m, map[string]func(context.Context, []string) error{
		"serve": calls.Serve, GatewayCommand: ServeGateway, LoadCommand: Load,
	})
}
