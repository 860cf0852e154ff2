package gateways

import (
	"context"
	"fmt"
	"os"
	"testing"

	"go.uber.org/goleak"

	"github.com/mqrpc/mqrpc/bench/calls"
)

// The test program is its own servers, gateways and load generators, as the
// bench is.
func TestMain(m *testing.M) {
	children := map[string]func(context.Context, []string) error{
		"serve": calls.Serve, GatewayCommand: ServeGateway, LoadCommand: Load,
	}
	if len(os.Args) > 1 && children[os.Args[1]] != nil {
		if err := children[os.Args[1]](context.Background(), os.Args[2:]); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	// Children with the race detector need not wait for reports of it: those
	// come with the test's own run.
	if err := os.Setenv("GORACE", "atexit_sleep_ms=0"); err != nil {
		panic(err)
	}
	goleak.VerifyTestMain(m)
}
