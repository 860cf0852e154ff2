package wire_test

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"flag"
	"math"
	"os"
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/testing/protocmp"

	mqrpcv1 "github.com/mqrpc/mqrpc/proto/mqrpc/v1"
	"github.com/mqrpc/mqrpc/wire"
)

var update = flag.Bool("update", false, "rewrite testdata/vectors.json")

const vectorsFile = "testdata/vectors.json"

// vector is one entry of vectors.json; testdata/README.md describes its fields.
type vector struct {
	Name  string `json:"name"`
	About string `json:"about"`
	Kind  string `json:"kind"`
	Body  string `json:"body"`
	// RoutingKey is what a claim or heartbeat came under.
	RoutingKey string          `json:"routingKey,omitempty"`
	Message    json.RawMessage `json:"message,omitempty"`
	Canonical  bool            `json:"canonical,omitempty"`
	Malformed  bool            `json:"malformed,omitempty"`
}

func (v *vector) bytes(t *testing.T) []byte {
	t.Helper()
	body, err := hex.DecodeString(v.Body)
	if err != nil {
		t.Fatalf("the body is not hexadecimal: %v", err)
	}
	return body
}

func readVectors(t testing.TB) []vector {
	t.Helper()
	text, err := os.ReadFile(vectorsFile)
	if err != nil {
		t.Fatal(err)
	}
	var vectors []vector
	if err := json.Unmarshal(text, &vectors); err != nil {
		t.Fatalf("%s: %v", vectorsFile, err)
	}
	return vectors
}

func TestVectors(t *testing.T) {
	if *update {
		writeVectors(t)
	}
	for _, v := range readVectors(t) {
		t.Run(v.Name, func(t *testing.T) {
			switch v.Kind {
			case "CallBatch":
				checkCallVector(t, &v)
			case "ReplyBatch":
				checkReplyVector(t, &v)
			default:
				checkToldVector(t, &v)
			}
		})
	}
}

// TestVectorsAreCurrent holds the file against the cases in vector_cases_test.go.
func TestVectorsAreCurrent(t *testing.T) {
	want := marshalVectors(t)
	got, err := os.ReadFile(vectorsFile)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s is not what the cases give: run go test ./wire -update", vectorsFile)
	}
}

func checkCallVector(t *testing.T, v *vector) {
	calls, err := wire.DecodeCalls(v.bytes(t))
	if v.Malformed {
		expectMalformed(t, err)
		return
	}
	if err != nil {
		t.Fatal(err)
	}
	want := parseMessage(t, v, &mqrpcv1.CallBatch{})
	for _, call := range want.GetCalls() {
		call.TimeoutUs = min(call.GetTimeoutUs(), math.MaxInt64/1000) // what a Duration can hold
	}
	if diff := cmp.Diff(want, callsToProto(calls), protocmp.Transform()); diff != "" {
		t.Errorf("decoded calls (-vector +codec):\n%s", diff)
	}
	if v.Canonical {
		var body []byte
		for i := range calls {
			body = wire.AppendCall(body, &calls[i])
		}
		expectBody(t, v, body)
	}
}

func checkReplyVector(t *testing.T, v *vector) {
	sender, replies, err := wire.DecodeReplies(v.bytes(t))
	if v.Malformed {
		expectMalformed(t, err)
		return
	}
	if err != nil {
		t.Fatal(err)
	}
	want := parseMessage(t, v, &mqrpcv1.ReplyBatch{})
	if diff := cmp.Diff(want, repliesToProto(t, sender, replies), protocmp.Transform()); diff != "" {
		t.Errorf("decoded replies (-vector +codec):\n%s", diff)
	}
	if v.Canonical {
		// In the order of field numbers: instance, replies, free.
		body := wire.AppendSender(nil, wire.Sender{Instance: sender.Instance, Free: -1})
		for i := range replies {
			body = wire.AppendReply(body, &replies[i])
		}
		body = wire.AppendSender(body, wire.Sender{Free: sender.Free})
		expectBody(t, v, body)
	}
}

// checkToldVector checks a vector of a message that has no codec of its own.
func checkToldVector(t *testing.T, v *vector) {
	kind, err := protoregistry.GlobalTypes.FindMessageByName(protoreflect.FullName("mqrpc.v1." + v.Kind))
	if err != nil {
		t.Fatal(err)
	}
	body := v.bytes(t)
	err = decodeTold(v.Kind, body, v.RoutingKey)
	if v.Malformed {
		expectMalformed(t, err)
		return
	}
	if err != nil {
		t.Fatal(err)
	}
	want, got := parseMessage(t, v, kind.New().Interface()), kind.New().Interface()
	if err := proto.Unmarshal(body, got); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got, protocmp.Transform()); diff != "" {
		t.Errorf("decoded (-vector +protobuf):\n%s", diff)
	}
	if v.Canonical {
		expectBody(t, v, mustMarshal(got))
	}
}

func decodeTold(kind string, body []byte, routingKey string) error {
	var err error
	switch kind {
	case "Claim":
		_, err = wire.DecodeClaim(body, routingKey)
	case "Heartbeat":
		_, err = wire.DecodeHeartbeat(body, routingKey)
	case "Discover":
		_, err = wire.DecodeDiscover(body)
	case "Cancel":
		_, err = wire.DecodeCancel(body)
	case "Admission":
		_, err = wire.DecodeAdmission(body)
	}
	return err
}

func parseMessage[M proto.Message](t *testing.T, v *vector, message M) M {
	t.Helper()
	if err := protojson.Unmarshal(v.Message, message); err != nil {
		t.Fatalf("the vector's message: %v", err)
	}
	return message
}

func expectMalformed(t *testing.T, err error) {
	t.Helper()
	if !errors.Is(err, wire.ErrMalformed) {
		t.Errorf("got error %v, want one that wraps ErrMalformed", err)
	}
}

func expectBody(t *testing.T, v *vector, body []byte) {
	t.Helper()
	if got := hex.EncodeToString(body); got != v.Body {
		t.Errorf("encoded anew:\n got %s\nwant %s", got, v.Body)
	}
}

func callsToProto(calls []wire.Call) *mqrpcv1.CallBatch {
	batch := &mqrpcv1.CallBatch{}
	for _, call := range calls {
		batch.Calls = append(batch.Calls, &mqrpcv1.Call{
			Id: call.ID, Method: call.Method, Payload: call.Payload,
			TimeoutUs: uint64(call.Timeout.Microseconds()), Metadata: call.Metadata,
		})
	}
	return batch
}

func repliesToProto(t *testing.T, sender wire.Sender, replies []wire.Reply) *mqrpcv1.ReplyBatch {
	t.Helper()
	batch := &mqrpcv1.ReplyBatch{Instance: sender.Instance}
	if sender.Free >= 0 {
		batch.Free = proto.Uint32(uint32(sender.Free))
	}
	for _, reply := range replies {
		message := &mqrpcv1.Reply{
			Id: reply.ID, Payload: reply.Payload, Metadata: reply.Metadata,
			WaitedUs:  uint64(reply.Waited.Microseconds()),
			HandledUs: uint64(reply.Handled.Microseconds()),
		}
		if reply.Status != nil {
			message.Status = &mqrpcv1.Status{}
			if err := proto.Unmarshal(reply.Status, message.Status); err != nil {
				t.Fatalf("the status of reply %d: %v", reply.ID, err)
			}
		}
		batch.Replies = append(batch.Replies, message)
	}
	return batch
}
