package runtime_test

import (
	"context"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/mqrpc/mqrpc/runtime"
	"github.com/mqrpc/mqrpc/runtime/memory"
	"github.com/mqrpc/mqrpc/wire"
)

// recorder is a transport that notes which messages of a type are lone.
type recorder struct {
	runtime.Transport

	of string

	mu   sync.Mutex
	lone []bool
}

func (r *recorder) Publish(message runtime.Publishing, done func(error)) {
	if message.Type == r.of {
		r.mu.Lock()
		r.lone = append(r.lone, message.Lone)
		r.mu.Unlock()
	}
	r.Transport.Publish(message, done)
}

func (r *recorder) expect(t *testing.T, want ...bool) {
	t.Helper()
	r.mu.Lock()
	defer r.mu.Unlock()
	if !slices.Equal(r.lone, want) {
		t.Errorf("lone messages: %v, want %v", r.lone, want)
	}
	r.lone = nil
}

// expectNotOnly expects a message that is not lone.
func (r *recorder) expectNotOnly(t *testing.T) {
	t.Helper()
	r.mu.Lock()
	defer r.mu.Unlock()
	if !slices.Contains(r.lone, false) {
		t.Errorf("all %d messages are lone", len(r.lone))
	}
}

// TestWhoIsAloneNeedsNoConfirm: calls and replies that go alone are lone
// messages, but for some of the calls.
func TestWhoIsAloneNeedsNoConfirm(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		broker := memory.NewBroker(memory.Config{})
		calls := &recorder{Transport: broker.Connect(), of: wire.TypeCall}
		replies := &recorder{Transport: broker.Connect(), of: wire.TypeReply}
		meet := func() {}
		client, method := echoingOver(t, calls, replies, runtime.ClientConfig{}, func(context.Context) { meet() })
		call := func() {
			if _, err := client.Invoke(t.Context(), &runtime.Call{Method: method, Message: wrapperspb.Bytes(nil)}); err != nil {
				t.Error(err)
			}
		}

		call()
		calls.expect(t, false) // none has been confirmed yet
		replies.expect(t, true)
		call()
		call()
		calls.expect(t, true, true)
		replies.expect(t, true, true)

		<-time.After(2 * time.Second)
		call()
		calls.expect(t, false) // none has been confirmed for long
		replies.expect(t, true)

		var both, callers sync.WaitGroup
		both.Add(2)
		meet = func() { both.Done(); both.Wait() }
		for range 2 {
			callers.Go(call)
		}
		callers.Wait()
		calls.expectNotOnly(t)
		replies.expectNotOnly(t)
	})
}
