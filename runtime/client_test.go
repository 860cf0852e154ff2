package runtime_test

import (
	"bytes"
	"context"
	"log/slog"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/mqrpc/mqrpc/runtime"
	"github.com/mqrpc/mqrpc/runtime/memory"
)

// echoing starts a worker that echoes bytes after the handler has let it, and
// returns a client and the method.
func echoing(t testing.TB, config runtime.ClientConfig, handler func(context.Context)) (*runtime.Client, *runtime.Method) {
	t.Helper()
	broker := memory.NewBroker(memory.Config{})
	return echoingOver(t, broker.Connect(), broker.Connect(), config, handler)
}

// echoingOver does so over transports of the test's, which it closes.
func echoingOver(
	t testing.TB, calling, serving runtime.Transport, config runtime.ClientConfig, handler func(context.Context),
) (*runtime.Client, *runtime.Method) {
	t.Helper()
	method := &runtime.Method{Module: "test", Version: "1.0", Name: "Echo.Echo", Idempotency: runtime.NoSideEffects}
	service := &runtime.Service{Module: "test", Version: "1.0", Name: "Echo", FullName: "test.Echo", Methods: []*runtime.Method{method}}
	quiet := slog.New(slog.DiscardHandler)
	worker := runtime.NewWorker(serving, runtime.WorkerConfig{Logger: quiet})
	worker.Register(service, runtime.Handle(method,
		func(ctx context.Context, in *wrapperspb.BytesValue) (*wrapperspb.BytesValue, error) {
			handler(ctx)
			return in, nil
		}))
	ctx, stop := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() {
		if err := worker.Run(ctx); err != nil {
			t.Error(err)
		}
	})
	<-worker.Ready()
	config.Logger = quiet
	client := runtime.NewClient(calling, config)
	t.Cleanup(func() {
		if err := client.Close(context.Background()); err != nil {
			t.Error(err)
		}
		stop()
		running.Wait()
		for _, transport := range []runtime.Transport{calling, serving} {
			if err := transport.Close(context.Background()); err != nil {
				t.Error(err)
			}
		}
	})
	if err := client.Ready(ctx); err != nil {
		t.Fatal(err)
	}
	return client, method
}

// TestPayloadIsTheCallersAgain: callers write into their payload as soon as
// Invoke has returned, whether with a reply or because they gave up. The race
// detector sees who still reads it, and a worker would echo something else.
func TestPayloadIsTheCallersAgain(t *testing.T) {
	client, method := echoing(t, runtime.ClientConfig{}, func(context.Context) {})
	var callers sync.WaitGroup
	for id := range 32 {
		callers.Go(func() {
			payload, err := proto.Marshal(wrapperspb.Bytes(bytes.Repeat([]byte{byte(id)}, 100)))
			if err != nil {
				t.Error(err)
				return
			}
			used := make([]byte, len(payload))
			for range 200 {
				copy(used, payload)
				ctx, cancel := context.WithTimeout(t.Context(), time.Duration(rand.IntN(500))*time.Microsecond)
				reply, err := client.Invoke(ctx, &runtime.Call{Method: method, Payload: used})
				cancel()
				clear(used)
				if err == nil && !bytes.Equal(reply.Payload, payload) {
					t.Errorf("got % x, want % x", reply.Payload, payload)
				}
			}
		})
	}
	callers.Wait()
}

func TestOpenCallsAreBounded(t *testing.T) {
	started, release := make(chan struct{}, 2), make(chan struct{})
	client, method := echoing(t, runtime.ClientConfig{MaxOpen: 2}, func(context.Context) {
		started <- struct{}{}
		<-release
	})
	var callers sync.WaitGroup
	call := func() error {
		_, err := client.Invoke(t.Context(), &runtime.Call{Method: method, Message: wrapperspb.Bytes(nil)})
		return err
	}
	for range 2 {
		callers.Go(func() {
			if err := call(); err != nil {
				t.Error(err)
			}
		})
	}
	<-started
	<-started
	if err := call(); runtime.CodeOf(err) != codes.ResourceExhausted {
		t.Errorf("the third call: %v, want RESOURCE_EXHAUSTED", err)
	}
	close(release)
	callers.Wait()
	if err := call(); err != nil {
		t.Errorf("after the others: %v", err)
	}
}
