package wire_test

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"testing"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/descriptorpb"
	"google.golang.org/protobuf/types/known/anypb"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/timestamppb"
	"google.golang.org/protobuf/types/known/wrapperspb"

	mqrpcv1 "github.com/mqrpc/mqrpc/proto/mqrpc/v1"
	"github.com/mqrpc/mqrpc/wire"
)

// vectorCase is where an entry of vectors.json comes from: a message, the bytes
// of another encoding of it, or bytes that must be refused.
type vectorCase struct {
	kind        string // of the message, where no list says it
	name, about string
	routingKey  string
	message     proto.Message
	body        []byte
	malformed   bool
}

func sessionKeyCall(id uint64) *mqrpcv1.Call {
	return &mqrpcv1.Call{Id: id, Method: "WxappManager.SessionKey", Payload: []byte("\x0a\x0bwrdfddslvaF"), TimeoutUs: 2_000_000}
}

func callCases() []vectorCase {
	withMetadata := sessionKeyCall(7)
	withMetadata.Metadata = map[string]string{"x-request-id": "5f0c"}
	plain := sessionKeyCall(1)
	encoded := mustMarshal(plain)
	unknown := protowire.AppendVarint(protowire.AppendTag(nil, 99, protowire.VarintType), 5)

	return []vectorCase{
		{name: "single_call", about: "A single call is a batch of one.", message: &mqrpcv1.CallBatch{Calls: []*mqrpcv1.Call{plain}}},
		{name: "three_calls", about: "Calls of different methods and times in one message.", message: &mqrpcv1.CallBatch{Calls: []*mqrpcv1.Call{
			sessionKeyCall(1),
			{Id: 1 << 63, Method: "WxappManager.Bind", Payload: []byte{0x08, 0x01}, TimeoutUs: 12_000_000},
			{Id: 3, Method: "Other.Ping", TimeoutUs: 1},
		}}},
		{name: "call_with_metadata", about: "Metadata travels beside the payload.", message: &mqrpcv1.CallBatch{Calls: []*mqrpcv1.Call{withMetadata}}},
		{name: "call_without_time", about: "No timeout_us: the worker's default applies.", message: &mqrpcv1.CallBatch{Calls: []*mqrpcv1.Call{{Id: 2, Method: "A.B", Payload: []byte{1}}}}},
		{name: "call_with_empty_request", about: "An empty request message has no bytes.", message: &mqrpcv1.CallBatch{Calls: []*mqrpcv1.Call{{Id: 2, Method: "A.B", TimeoutUs: 5}}}},
		{
			name: "call_unknown_fields", about: "Fields of a later protocol are ignored, in the batch and in the call.",
			message: &mqrpcv1.CallBatch{Calls: []*mqrpcv1.Call{plain}},
			body:    concat(unknown, entry(1, concat(unknown, encoded, unknown)), unknown),
		},
		{
			name: "call_fields_twice", about: "Of a singular field that stands twice the last one counts, in any order of fields.",
			message: &mqrpcv1.CallBatch{Calls: []*mqrpcv1.Call{plain}},
			body:    entry(1, concat(mustMarshal(&mqrpcv1.Call{TimeoutUs: 9, Method: "X.Y", Id: 77}), encoded)),
		},
		{
			name: "call_longest_time", about: "A receiver whose clock cannot count as far takes as much as it can.",
			message: &mqrpcv1.CallBatch{Calls: []*mqrpcv1.Call{{Id: 1, Method: "A.B", TimeoutUs: 1<<64 - 1}}},
			body:    entry(1, mustMarshal(&mqrpcv1.Call{Id: 1, Method: "A.B", TimeoutUs: 1<<64 - 1})),
		},
		{name: "call_batch_empty", about: "A message holds at least one call.", body: []byte{}, malformed: true},
		{name: "call_batch_too_many", about: "A message holds at most 1,024 calls.", body: bytes.Repeat(entry(1, mustMarshal(&mqrpcv1.Call{Id: 1, Method: "A.B"})), wire.MaxBatch+1), malformed: true},
		{name: "call_batch_only_unknown", about: "Unknown fields alone are no call.", body: unknown, malformed: true},
		{name: "call_id_zero", about: "The id must not be 0.", body: entry(1, mustMarshal(&mqrpcv1.Call{Method: "A.B"})), malformed: true},
		{name: "call_method_missing", about: "The method must be there.", body: entry(1, mustMarshal(&mqrpcv1.Call{Id: 1})), malformed: true},
		{name: "call_method_invalid", about: "The method must have the form Service.Method.", body: entry(1, mustMarshal(&mqrpcv1.Call{Id: 1, Method: "wxapp.v1.WxappManager/SessionKey"})), malformed: true},
		{name: "call_second_invalid", about: "One invalid entry makes the batch undecodable.", body: concat(entry(1, encoded), entry(1, mustMarshal(&mqrpcv1.Call{Id: 1}))), malformed: true},
		{name: "call_truncated", about: "The last byte is missing.", body: chop(entry(1, encoded)), malformed: true},
		{name: "call_metadata_upper_case", about: "Metadata keys are lower case.", body: entry(1, mustMarshal(&mqrpcv1.Call{Id: 1, Method: "A.B", Metadata: map[string]string{"Key": ""}})), malformed: true},
		{name: "call_metadata_not_utf8", about: "Metadata values are UTF-8.", body: entry(1, concat(encoded, entry(5, concat(entry(1, []byte("k")), entry(2, []byte{0xff}))))), malformed: true},
		{name: "call_metadata_not_utf8_before", about: "Values that a later one replaces are UTF-8, too.", body: entry(1, concat(encoded, entry(5, concat(entry(1, []byte("k")), entry(2, []byte{0xff}), entry(2, []byte("v")))))), malformed: true},
		{name: "call_metadata_too_many", about: "At most 64 entries of metadata.", body: entry(1, mustMarshal(&mqrpcv1.Call{Id: 1, Method: "A.B", Metadata: manyKeys(65)})), malformed: true},
		{name: "call_garbage", about: "Bytes of another protocol.", body: []byte(`{"method":"A.B"}`), malformed: true},
	}
}

func replyCases() []vectorCase {
	const instance = "shop-k3v9x1m2p8qd5t7w"
	ok := &mqrpcv1.Reply{Id: 1, Payload: []byte("\x0a\x03abc"), WaitedUs: 12, HandledUs: 345}
	// A type that every protobuf runtime knows, so that each can read the vector as
	// JSON.
	detail, err := anypb.New(wrapperspb.String("CODE_USED"))
	if err != nil {
		panic(err)
	}
	failed := &mqrpcv1.Reply{Id: 2, HandledUs: 9, Status: &mqrpcv1.Status{
		Code: 9, Message: "the code has been used", Details: []*anypb.Any{detail},
	}}
	expired := &mqrpcv1.Reply{Id: 3, WaitedUs: 2_000_001, Status: &mqrpcv1.Status{Code: 4, Message: "the call's time was over before its handler could start"}}
	aborted := &mqrpcv1.Reply{Id: 4, WaitedUs: 1, Status: &mqrpcv1.Status{Code: 10, Message: "the call may have run on a worker that died"}}
	unimplemented := &mqrpcv1.Reply{Id: 6, WaitedUs: 1, Status: &mqrpcv1.Status{Code: 12, Message: "method wxapp/1.0/WxappManager.Bind is not implemented"}}
	undecodable := &mqrpcv1.Reply{Id: 7, WaitedUs: 1, Status: &mqrpcv1.Status{Code: 3, Message: "the request cannot be decoded"}}
	withMetadata := &mqrpcv1.Reply{Id: 5, HandledUs: 1, Metadata: map[string]string{"x-cost": "3"}}
	batch := func(replies ...*mqrpcv1.Reply) *mqrpcv1.ReplyBatch {
		return &mqrpcv1.ReplyBatch{Instance: instance, Replies: replies}
	}
	unknown := protowire.AppendBytes(protowire.AppendTag(nil, 12, protowire.BytesType), []byte("later"))

	return []vectorCase{
		{name: "single_reply", about: "A response, with the times it took.", message: batch(ok)},
		{name: "error_reply", about: "A status with a detail.", message: batch(failed)},
		{name: "expired_reply", about: "The call's time was over before its handler could start: handled_us is 0.", message: batch(expired)},
		{name: "aborted_reply", about: "A redelivered call of a method that may not run twice.", message: batch(aborted)},
		{name: "unimplemented_reply", about: "The instance does not have the method, or does not implement it: handled_us is 0, and the client may try another.", message: batch(unimplemented)},
		{name: "undecodable_reply", about: "The call's payload does not decode: handled_us is 0.", message: batch(undecodable)},
		{name: "reply_free", about: "The instance could run seven more calls.", message: &mqrpcv1.ReplyBatch{Instance: instance, Replies: []*mqrpcv1.Reply{ok}, Free: proto.Uint32(7)}},
		{name: "reply_free_none", about: "The instance could run no more calls: 0 differs from nothing said.", message: &mqrpcv1.ReplyBatch{Instance: instance, Replies: []*mqrpcv1.Reply{ok}, Free: proto.Uint32(0)}},
		{name: "reply_with_metadata", about: "An empty response with metadata.", message: batch(withMetadata)},
		{name: "five_replies", about: "Successes and failures in one message.", message: batch(failed, ok, expired, withMetadata, aborted)},
		{
			name: "reply_unknown_fields", about: "Fields of a later protocol are ignored.",
			message: batch(ok), body: concat(unknown, entry(2, concat(mustMarshal(ok), unknown)), entry(1, []byte(instance))),
		},
		{name: "reply_batch_empty", about: "A message holds at least one reply.", body: entry(1, []byte(instance)), malformed: true},
		{name: "reply_batch_too_many", about: "A message holds at most 1,024 replies.", body: concat(entry(1, []byte(instance)), bytes.Repeat(entry(2, mustMarshal(&mqrpcv1.Reply{Id: 1})), wire.MaxBatch+1)), malformed: true},
		{name: "reply_id_zero", about: "The id must not be 0.", body: concat(entry(1, []byte(instance)), entry(2, mustMarshal(&mqrpcv1.Reply{Payload: []byte{1}}))), malformed: true},
		{name: "reply_truncated", about: "The last byte is missing.", body: chop(mustMarshal(batch(ok))), malformed: true},
		{name: "reply_instance_not_utf8", about: "The instance is UTF-8.", body: concat(entry(1, []byte{0xc0}), entry(2, mustMarshal(ok))), malformed: true},
		{name: "reply_instance_missing", about: "A batch says who sends it.", body: entry(2, mustMarshal(ok)), malformed: true},
		{name: "reply_instance_of_words", about: "An instance is one word of letters, digits and hyphens.", body: concat(entry(1, []byte("a.b")), entry(2, mustMarshal(ok))), malformed: true},
		{name: "reply_instance_long", about: "An instance has at most 64 bytes.", body: concat(entry(1, bytes.Repeat([]byte("a"), 65)), entry(2, mustMarshal(ok))), malformed: true},
		{name: "reply_garbage", about: "Bytes of another protocol.", body: []byte("HTTP/1.1 200 OK\r\n\r\n"), malformed: true},
	}
}

// toldCases are what instances and clients tell one another.
func toldCases() []vectorCase {
	const instance = "wxapp-k3v9x1m2p8qd5t7w"
	claim := &mqrpcv1.Claim{
		Module: "wxapp", Version: "1.0", Revision: "00112233445566778899aabbccddeeff", Instance: instance,
		Services: []string{"wxapp.v1.WxappManager"}, Capacity: 256, Host: "host", Pid: 4711, Language: "go",
		Started: &timestamppb.Timestamp{Seconds: 1_790_000_000}, ValidFor: &durationpb.Duration{Seconds: 90},
	}
	stopping := &mqrpcv1.Claim{Module: "wxapp", Version: "1.0", Instance: instance, Stopping: true}
	beat := &mqrpcv1.Heartbeat{Module: "wxapp", Instance: instance, ValidFor: &durationpb.Duration{Seconds: 90}, Versions: []*mqrpcv1.HeartbeatVersion{
		{Version: "1.0", Revision: claim.Revision, Running: 3, Waiting: 1, Answered: 12_345},
		{Version: "1.1", Revision: "ffeeddccbbaa99887766554433221100", Refused: true},
	}}
	describe := &mqrpcv1.DescribeResponse{
		Module: "wxapp", Version: "1.0", Revision: claim.Revision, Services: claim.Services,
		Files: &descriptorpb.FileDescriptorSet{File: []*descriptorpb.FileDescriptorProto{{Name: proto.String("wxapp/v1/wxapp.proto"), Syntax: proto.String("proto3")}}},
	}
	return []vectorCase{
		{kind: "Claim", name: "claim", about: "An instance claims an API.", routingKey: "wxapp.1_0", message: claim},
		{kind: "Claim", name: "claim_stopping", about: "The last claim of an instance.", routingKey: "wxapp.1_0", message: stopping},
		{kind: "Claim", name: "claim_under_anothers_key", about: "A claim speaks of the API of its key alone.", routingKey: "other.1_0", body: mustMarshal(claim), malformed: true},
		{kind: "Claim", name: "claim_instance_of_words", about: "An instance is one word of a routing key.", routingKey: "wxapp.1_0", body: mustMarshal(&mqrpcv1.Claim{Module: "wxapp", Version: "1.0", Instance: "a.b"}), malformed: true},
		{kind: "Heartbeat", name: "heartbeat", about: "One for all versions of a module.", routingKey: "wxapp.all", message: beat},
		{kind: "Heartbeat", name: "heartbeat_under_anothers_key", about: "A heartbeat speaks of the module of its key alone.", routingKey: "other.all", body: mustMarshal(beat), malformed: true},
		{kind: "Discover", name: "discover", about: "All instances that hear it are asked.", body: []byte{}, message: &mqrpcv1.Discover{}},
		{kind: "Discover", name: "discover_method", about: "Only those that have the method are asked.", message: &mqrpcv1.Discover{Method: "WxappManager.SessionKey"}},
		{kind: "Cancel", name: "cancel", about: "Two callers have left; names.json has digests of ids.", message: &mqrpcv1.Cancel{Digests: []uint64{1, 1 << 63}, TimeoutUs: 2_000_000}},
		{kind: "Cancel", name: "cancel_too_many", about: "At most 1,024 digests.", body: mustMarshal(&mqrpcv1.Cancel{Digests: make([]uint64, wire.MaxDigests+1)}), malformed: true},
		{kind: "Admission", name: "admission_refused", about: "The instance must stop consuming the API's queue.", message: &mqrpcv1.Admission{
			Revision: claim.Revision, Refused: true, InEffect: "ffeeddccbbaa99887766554433221100", Reason: "field 2 of wxapp.v1.SessionKeyRequest was removed",
		}},
		{kind: "Admission", name: "admission", about: "The refusal is lifted.", message: &mqrpcv1.Admission{Revision: claim.Revision, InEffect: claim.Revision}},
		{kind: "DescribeRequest", name: "describe_request", about: "The payload of a call of mqrpc.Describe is empty.", body: []byte{}, message: &mqrpcv1.DescribeRequest{}},
		{kind: "DescribeResponse", name: "describe_response", about: "The payload of its reply; revisions.json has real files.", message: describe},
	}
}

func writeVectors(t *testing.T) {
	t.Helper()
	if err := os.WriteFile(vectorsFile, marshalVectors(t), 0o600); err != nil {
		t.Fatal(err)
	}
}

func marshalVectors(t *testing.T) []byte {
	t.Helper()
	var vectors []vector
	for _, c := range callCases() {
		vectors = append(vectors, c.vector(t, "CallBatch"))
	}
	for _, c := range replyCases() {
		vectors = append(vectors, c.vector(t, "ReplyBatch"))
	}
	for _, c := range toldCases() {
		vectors = append(vectors, c.vector(t, c.kind))
	}
	text, err := json.MarshalIndent(vectors, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	return append(text, '\n')
}

func (c *vectorCase) vector(t *testing.T, kind string) vector {
	t.Helper()
	v := vector{Name: c.name, About: c.about, Kind: kind, RoutingKey: c.routingKey, Malformed: c.malformed}
	body := c.body
	if c.message != nil {
		text, err := protojson.Marshal(c.message)
		if err != nil {
			t.Fatal(err)
		}
		var compact bytes.Buffer
		if err := json.Compact(&compact, text); err != nil {
			t.Fatal(err)
		}
		v.Message = compact.Bytes()
		if body == nil {
			v.Canonical = true
			body = mustMarshal(c.message)
		}
	}
	v.Body = hex.EncodeToString(body)
	return v
}

func mustMarshal(message proto.Message) []byte {
	body, err := proto.MarshalOptions{Deterministic: true}.Marshal(message)
	if err != nil {
		panic(err)
	}
	return body
}

func entry(number protowire.Number, body []byte) []byte {
	return protowire.AppendBytes(protowire.AppendTag(nil, number, protowire.BytesType), body)
}

func manyKeys(n int) map[string]string {
	metadata := map[string]string{}
	for i := range n {
		metadata[fmt.Sprintf("k%d", i)] = "v"
	}
	return metadata
}

func concat(parts ...[]byte) []byte { return bytes.Join(parts, nil) }

func chop(body []byte) []byte { return body[:len(body)-1] }

func TestVectorNamesAreUnique(t *testing.T) {
	seen := map[string]bool{}
	for _, v := range readVectors(t) {
		if seen[v.Name] || v.Name != strings.ToLower(v.Name) {
			t.Errorf("vector name %q stands twice or is not lower case", v.Name)
		}
		seen[v.Name] = true
	}
}
