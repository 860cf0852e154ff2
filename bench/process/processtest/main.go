// Package processtest helps tests whose processes start others.
package processtest

import (
	"context"
	"fmt"
	"os"
	"testing"

	"go.uber.org/goleak"
)

// Main is for TestMain. The test program is its own children: run with the name
// of one as its first argument it is that child, with the arguments that follow;
// else it runs the tests, after which no goroutine may be left.
func Main(m *testing.M, children map[string]func(context.Context, []string) error) {
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
