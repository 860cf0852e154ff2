package runtime_test

import (
	"context"
	"sync"
	"testing"

	"github.com/mqrpc/mqrpc/runtime"
)

// TestSlowCallsSpread: calls of a slow method share messages, and still each
// instance gets some, all run at once, and calls of a quick method that come in
// between are answered meanwhile.
func TestSlowCallsSpread(t *testing.T) {
	const workers, calls = 4, 64
	s := newStand(t)
	release := make(chan struct{})
	open := sync.OnceFunc(func() { close(release) })
	defer open()
	running := make(chan struct{}, calls)
	for range workers {
		s.worker(s.connect(), runtime.WorkerConfig{}, handlers{
			"Slow": func(context.Context, []byte) ([]byte, error) {
				running <- struct{}{}
				<-release
				return nil, nil
			},
			"Quick": func(context.Context, []byte) ([]byte, error) { return nil, nil },
		})
	}
	client := s.client(s.connect(), runtime.ClientConfig{})
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	answered := map[string]int{}
	quick := func() {
		t.Helper()
		reply, err := client.Invoke(ctx, &runtime.Call{Method: echoMethod("Quick"), Payload: []byte{}})
		if err != nil {
			t.Fatal(err)
		}
		answered[reply.Instance]++
	}
	for len(answered) < workers {
		quick()
	}
	clear(answered)
	var mu sync.Mutex
	var calling sync.WaitGroup
	for range calls {
		calling.Go(func() {
			reply, err := client.Invoke(ctx, &runtime.Call{Method: echoMethod("Slow"), Payload: []byte{}, Timeout: patience})
			if err != nil {
				t.Error(err)
				return
			}
			mu.Lock()
			defer mu.Unlock()
			answered[reply.Instance]++
		})
	}
	for range calls {
		receive(t, running, "all slow calls run")
	}
	for range 3 * workers {
		quick()
	}
	clear(answered)
	open()
	calling.Wait()
	if len(answered) != workers {
		t.Errorf("the calls ran at %d of %d instances: %v", len(answered), workers, answered)
	}
}
