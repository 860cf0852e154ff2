package runtime

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	mqrpcv1 "github.com/mqrpc/mqrpc/proto/mqrpc/v1"
	"github.com/mqrpc/mqrpc/runtime/memory"
	"github.com/mqrpc/mqrpc/wire"
)

// TestCallThatIsCancelledBeforeItIsSentNeverIs: nobody is told of it, so that it
// would run.
func TestCallThatIsCancelledBeforeItIsSentNeverIs(t *testing.T) {
	conn := memory.New()
	client := NewClient(conn, ClientConfig{})
	call := client.take(&Call{Method: &Method{Module: "m", Version: "1.0", Name: "S.M"}})
	call.id, call.deadline = 1, time.Now().Add(time.Hour)
	client.cancel(call)
	if _, sent := call.appendTo(nil, time.Now()); sent {
		t.Error("the call is sent after it was cancelled")
	}
	if err := client.Close(context.Background()); err != nil {
		t.Error(err)
	}
	if err := conn.Close(context.Background()); err != nil {
		t.Error(err)
	}
}

// TestCancelFindsACallThatWasSentAgain after its first message is over.
func TestCancelFindsACallThatWasSentAgain(t *testing.T) {
	newMessage := func() *message {
		m := &message{key: messageKey{client: "c", firstID: 7}, jobs: make([]job, 1)}
		m.jobs[0] = job{message: m, call: &wire.ReceivedCall{ID: 7}}
		return m
	}
	first, second := newMessage(), newMessage()
	var calls cancelledCalls
	tell := func(digest uint64) {
		calls.cancel(&mqrpcv1.Cancel{Digests: []uint64{digest}, TimeoutUs: 60_000_000}, func() []*message { return nil })
	}
	tell(1)
	calls.arrived(&first.jobs[0])
	calls.arrived(&second.jobs[0])
	calls.forget(first)
	tell(wire.Digest("c", 7))
	if !second.jobs[0].ctx.callerLeft() {
		t.Error("the second call is not cancelled")
	}
}

// TestOpenCallsAreNotIndexedForEveryCancel, however short a time it names.
func TestOpenCallsAreNotIndexedForEveryCancel(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var calls cancelledCalls
		indexed := 0
		other := &message{key: messageKey{client: "c", firstID: 8}, jobs: make([]job, 1)}
		other.jobs[0] = job{message: other, call: &wire.ReceivedCall{ID: 8}}
		for range 1000 {
			calls.cancel(&mqrpcv1.Cancel{Digests: []uint64{1}}, func() []*message { indexed++; return nil })
			<-time.After(time.Millisecond)
			calls.arrived(&other.jobs[0])
		}
		if indexed != 1 {
			t.Errorf("the open calls were looked through %d times within a second, want 1", indexed)
		}
	})
}
