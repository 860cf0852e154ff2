package process

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
)

// readyLine is the first line that a child prints.
type readyLine struct {
	Address string `json:"address,omitempty"`
}

// Ready tells the parent, from a child, that the child is ready, and where it
// listens, if it does.
func Ready(address string) error {
	if err := json.NewEncoder(os.Stdout).Encode(readyLine{Address: address}); err != nil {
		return fmt.Errorf("tell the parent: %w", err)
	}
	return nil
}

// Stopped returns a context that ends when a child gets SIGTERM.
func Stopped(ctx context.Context) (context.Context, context.CancelFunc) {
	return signal.NotifyContext(ctx, syscall.SIGTERM)
}

// WithInput returns a context that ends when a child's standard input does, for
// children that read nothing from it, or when it gets SIGTERM.
func WithInput(ctx context.Context) (context.Context, context.CancelFunc) {
	ctx, cancel := Stopped(ctx)
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin) // the end is what counts
		cancel()
	}()
	return ctx, cancel
}
