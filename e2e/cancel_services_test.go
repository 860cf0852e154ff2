//go:build services

package e2e_test

import (
	"syscall"
	"testing"

	"github.com/mqrpc/mqrpc/internal/testbroker"
	"github.com/mqrpc/mqrpc/runtime"
	"github.com/mqrpc/mqrpc/runtime/rabbitmq"
)

// TestFrozenInstanceDelaysNoCancel: it hears nothing, and holds up nobody else.
// The broker gives it every other call.
func TestFrozenInstanceDelaysNoCancel(t *testing.T) {
	t.Parallel()
	url := testbroker.Shared(t)
	r := newRig(t, func() runtime.Transport { return connectTo(t, rabbitmq.Config{URLs: []string{url}}) })
	frozen := startWorkerProcess(t, url, r.echo)
	if err := frozen.command.Process.Signal(syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	leaveCalls(t, r, 30, 10, r.worker("w", runtime.WorkerConfig{}))
}
