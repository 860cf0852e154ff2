package wire_test

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/proto"

	mqrpcv1 "github.com/mqrpc/mqrpc/proto/mqrpc/v1"
	"github.com/mqrpc/mqrpc/wire"
)

func TestCallSizeBoundsItsEncoding(t *testing.T) {
	for _, call := range []wire.Call{
		{ID: 1, Method: "A.B"},
		{ID: 1 << 63, Method: "A." + strings.Repeat("b", 200), Payload: make([]byte, 70_000), Timeout: time.Hour, Metadata: map[string]string{"k": "v", "empty": ""}},
	} {
		if got, limit := len(wire.AppendCall(nil, &call)), wire.CallSize(&call); got > limit {
			t.Errorf("call %s has %d bytes, more than CallSize %d", call.Method, got, limit)
		}
	}
	reply := wire.Reply{ID: 1, Payload: make([]byte, 300), Status: []byte{}, Metadata: map[string]string{"k": "v"}, Waited: 1, Handled: time.Hour}
	if got, limit := len(wire.AppendReply(nil, &reply)), wire.ReplySize(&reply); got > limit {
		t.Errorf("the reply has %d bytes, more than ReplySize %d", got, limit)
	}
}

func TestShortestTimeIsNotZeroOnTheWire(t *testing.T) {
	body := wire.AppendCall(nil, &wire.Call{ID: 1, Method: "A.B", Timeout: time.Nanosecond})
	calls, err := wire.DecodeCalls(body)
	if err != nil {
		t.Fatal(err)
	}
	if calls[0].Timeout != time.Microsecond {
		t.Errorf("1 ns became %v, want 1 µs: zero means that nothing was said", calls[0].Timeout)
	}
}

func TestDecodeRefusesLargeMessages(t *testing.T) {
	body := make([]byte, wire.MaxMessageBytes+1)
	_, err := wire.DecodeCalls(body)
	expectMalformed(t, err)
	_, _, err = wire.DecodeReplies(body)
	expectMalformed(t, err)
}

func TestCheckMetadata(t *testing.T) {
	many := map[string]string{}
	for i := range wire.MaxMetadataEntries + 1 {
		many[strings.Repeat("k", i+1)] = ""
	}
	for name, tc := range map[string]struct {
		metadata map[string]string
		problem  string
	}{
		"none":       {nil, ""},
		"good":       {map[string]string{"x-request-id": "ä"}, ""},
		"upper case": {map[string]string{"X-Id": ""}, `"X-Id" is invalid`},
		"empty key":  {map[string]string{"": "v"}, "key is empty"},
		"long key":   {map[string]string{strings.Repeat("k", 256): "v"}, "256 bytes"},
		"bytes":      {map[string]string{"k": "\xff"}, "base64"},
		"many":       {many, "65 entries"},
		"large":      {map[string]string{"k": strings.Repeat("v", wire.MaxMetadataBytes)}, "bytes; 64 and 16384 are allowed"},
	} {
		t.Run(name, func(t *testing.T) {
			expectProblem(t, wire.CheckMetadata(tc.metadata), tc.problem)
		})
	}
}

func FuzzDecodeCalls(f *testing.F) {
	for _, v := range readVectors(f) {
		f.Add(mustHex(f, v.Body))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		calls, err := wire.DecodeCalls(body)
		if err != nil {
			expectMalformed(t, err)
			return
		}
		reference := &mqrpcv1.CallBatch{}
		if err := proto.Unmarshal(body, reference); err != nil {
			t.Fatalf("accepted what protobuf refuses: %v", err)
		}
		if len(reference.Calls) != len(calls) {
			t.Fatalf("%d calls, protobuf sees %d", len(calls), len(reference.Calls))
		}
		var again []byte
		for i := range calls {
			again = wire.AppendCall(again, &calls[i])
		}
		reread, err := wire.DecodeCalls(again)
		if err != nil {
			t.Fatalf("own encoding refused: %v", err)
		}
		if diff := cmp.Diff(calls, reread, cmp.Comparer(bytes.Equal)); diff != "" {
			t.Fatalf("after encoding anew (-first +second):\n%s", diff)
		}
	})
}

func FuzzDecodeReplies(f *testing.F) {
	for _, v := range readVectors(f) {
		f.Add(mustHex(f, v.Body))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		sender, replies, err := wire.DecodeReplies(body)
		if err != nil {
			expectMalformed(t, err)
			return
		}
		again := wire.AppendSender(nil, sender)
		for i := range replies {
			again = wire.AppendReply(again, &replies[i])
		}
		sender2, reread, err := wire.DecodeReplies(again)
		if err != nil {
			t.Fatalf("own encoding refused: %v", err)
		}
		if diff := cmp.Diff(replies, reread, cmp.Comparer(bytes.Equal)); diff != "" || sender != sender2 {
			t.Fatalf("after encoding anew (-first +second):\n%s", diff)
		}
	})
}
