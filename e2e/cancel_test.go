package e2e_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"google.golang.org/grpc/codes"

	"github.com/mqrpc/mqrpc/runtime"
)

// leaveCalls makes calls that would take an hour, has their callers leave when
// enough of them run on the workers, and waits until their handlers have ended.
func leaveCalls(t *testing.T, r *rig, calls, enough int, workers ...*runningWorker) {
	t.Helper()
	client := r.client(runtime.ClientConfig{})
	ctx, leave := context.WithCancel(t.Context())
	var callers sync.WaitGroup
	for range calls {
		callers.Go(func() {
			_, err := invoke(ctx, client, r.echo.sleep, "1h")
			if got := runtime.CodeOf(err); got != codes.Canceled {
				t.Errorf("a caller that left got %v, want CANCELLED", err)
			}
		})
	}
	running := func() (n int) {
		for _, w := range workers {
			n += w.Stats().Running
		}
		return n
	}
	eventually(t, 10*time.Second, "the calls run", func() bool { return running() >= enough })
	began := time.Now()
	leave()
	eventually(t, 10*time.Second, "the handlers have ended", func() bool { return running() == 0 })
	t.Logf("the handlers of %d calls ended %v after their callers had left", enough, time.Since(began).Round(time.Millisecond))
	callers.Wait()
}

// TestCallersThatLeaveEndTheirHandlers on several instances.
func TestCallersThatLeaveEndTheirHandlers(t *testing.T) {
	onEachStack(t, func(t *testing.T, r *rig) {
		var workers []*runningWorker
		for i := range 3 {
			workers = append(workers, r.worker(fmt.Sprint("w", i), runtime.WorkerConfig{}))
		}
		leaveCalls(t, r, 30, 30, workers...)
	})
}
