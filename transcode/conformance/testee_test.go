package main

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/dynamicpb"
)

// These tests say that the program speaks the suite's protocol, for messages
// that the distribution's suite does not have, too. What the suite finds is
// scripts/conformance's.

const (
	proto2         = "protobuf_test_messages.proto2.TestAllTypesProto2"
	proto3         = "protobuf_test_messages.proto3.TestAllTypesProto3"
	edition        = "protobuf_test_messages.editions.TestAllTypesEdition2023"
	migratedProto2 = "protobuf_test_messages.editions.proto2.TestAllTypesProto2"
	migratedProto3 = "protobuf_test_messages.editions.proto3.TestAllTypesProto3"
)

// suiteRequest is a request as the runner makes one.
type suiteRequest struct {
	messageType string
	payload     protoreflect.Name
	content     string
	output      format
	category    protoreflect.EnumNumber
}

func (r suiteRequest) wire(t *testing.T, tested *testee) []byte {
	t.Helper()
	message := dynamicpb.NewMessage(tested.request)
	fields := tested.request.Fields()
	message.Set(fields.ByName("message_type"), protoreflect.ValueOfString(r.messageType))
	message.Set(fields.ByName("requested_output_format"), protoreflect.ValueOfEnum(protoreflect.EnumNumber(r.output)))
	message.Set(fields.ByName("test_category"), protoreflect.ValueOfEnum(r.category))
	if field := fields.ByName(r.payload); field != nil && field.Kind() == protoreflect.BytesKind {
		message.Set(field, protoreflect.ValueOfBytes([]byte(r.content)))
	} else if field != nil {
		message.Set(field, protoreflect.ValueOfString(r.content))
	}
	wire, err := proto.Marshal(message)
	if err != nil {
		t.Fatal(err)
	}
	return wire
}

// parseResponse is which result a response has, and what it says.
func parseResponse(t *testing.T, tested *testee, wire []byte) (protoreflect.Name, string) {
	t.Helper()
	message := dynamicpb.NewMessage(tested.response)
	if err := proto.Unmarshal(wire, message); err != nil {
		t.Fatal(err)
	}
	field := message.WhichOneof(tested.response.Oneofs().ByName("result"))
	if field == nil {
		t.Fatal("a response without result")
	}
	if field.Kind() == protoreflect.BytesKind {
		return field.Name(), string(message.Get(field).Bytes())
	}
	return field.Name(), message.Get(field).String()
}

func TestResponses(t *testing.T) {
	tested, err := newTestee()
	if err != nil {
		t.Fatal(err)
	}
	const fromJSON, fromProtobuf, fromText = "json_payload", "protobuf_payload", "text_payload"
	tests := map[string]struct {
		request suiteRequest
		result  protoreflect.Name
		content string
	}{
		"list of failures":   {suiteRequest{messageType: "conformance.FailureSet", payload: fromProtobuf, output: formatProtobuf}, resultProtobuf, ""},
		"JSON to protobuf":   {suiteRequest{proto3, fromJSON, `{"optionalInt32":1}`, formatProtobuf, 2}, resultProtobuf, "\x08\x01"},
		"protobuf to JSON":   {suiteRequest{proto3, fromProtobuf, "\x08\x01", formatJSON, 1}, resultJSON, `{"optionalInt32":1}`},
		"JSON to JSON":       {suiteRequest{proto2, fromJSON, `{"optional_int32":1}`, formatJSON, 2}, resultJSON, `{"optionalInt32":1}`},
		"unknown is kept":    {suiteRequest{proto3, fromProtobuf, "\xf8\xff\x7f\x01", formatProtobuf, 1}, resultProtobuf, "\xf8\xff\x7f\x01"},
		"unknown in JSON":    {suiteRequest{proto3, fromJSON, `{"x":1}`, formatJSON, 2}, resultParseError, `unknown field "x"`},
		"unknown is ignored": {suiteRequest{proto3, fromJSON, `{"x":1}`, formatJSON, 3}, resultJSON, `{}`},
		"not JSON":           {suiteRequest{proto3, fromJSON, `{`, formatProtobuf, 2}, resultParseError, "unexpected end"},
		"not protobuf":       {suiteRequest{proto3, fromProtobuf, "\xff", formatJSON, 1}, resultParseError, "malformed"},
		"no JSON for it":     {suiteRequest{proto3, fromProtobuf, "\xf2\x12\x09\x08\xff\xff\xff\xff\xff\xff\xff\x7f", formatJSON, 1}, resultSerializeError, "Timestamp"},
		"text":               {suiteRequest{proto3, fromText, `optional_int32: 1`, formatJSON, 5}, resultSkipped, "text_payload"},
		"to text":            {suiteRequest{proto3, fromJSON, `{}`, 4, 5}, resultSkipped, "format 4"},
		"no such message":    {suiteRequest{"no.Such", fromJSON, `{}`, formatJSON, 2}, resultSkipped, "no.Such is not known"},
		"an edition":         {suiteRequest{edition, fromJSON, `{"optionalInt32":1,"groupliketype":{"groupInt32":2}}`, formatJSON, 2}, resultJSON, `{"optionalInt32":1,"groupliketype":{"groupInt32":2}}`},
		"proto2 migrated":    {suiteRequest{migratedProto2, fromJSON, `{"data":{"groupInt32":2}}`, formatProtobuf, 2}, resultProtobuf, "\xcb\x0c\xd0\x0c\x02\xcc\x0c"},
		"proto3 migrated":    {suiteRequest{migratedProto3, fromJSON, `{"optionalInt32":0}`, formatProtobuf, 2}, resultProtobuf, ""},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			wire, err := tested.respond(test.request.wire(t, tested))
			if err != nil {
				t.Fatal(err)
			}
			result, content := parseResponse(t, tested, wire)
			isError := result == resultParseError || result == resultSerializeError || result == resultSkipped
			if result != test.result || (content != test.content && (!isError || !strings.Contains(content, test.content))) {
				t.Errorf("got %s %q, want %s %q", result, content, test.result, test.content)
			}
		})
	}
	if tested.counts.all != len(tests)-1 || tested.counts.skipped != 3 || tested.counts.binary != 1 {
		t.Errorf("counts: %v", tested.counts)
	}
}

func TestServe(t *testing.T) {
	tested, err := newTestee()
	if err != nil {
		t.Fatal(err)
	}
	frame := func(message []byte) []byte {
		var out bytes.Buffer
		if err := writeFrame(&out, message); err != nil {
			t.Fatal(err)
		}
		return out.Bytes()
	}
	one := frame(suiteRequest{proto3, "json_payload", `{}`, formatJSON, 2}.wire(t, tested))
	var out bytes.Buffer
	if err := serve(bytes.NewReader(append(one, one...)), &out, tested); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		response, err := readFrame(&out)
		if err != nil {
			t.Fatal(err)
		}
		if result, content := parseResponse(t, tested, response); result != resultJSON || content != "{}" {
			t.Errorf("got %s %q", result, content)
		}
	}
	if _, err := readFrame(&out); !errors.Is(err, io.EOF) {
		t.Errorf("after the last response: %v", err)
	}
	for name, in := range map[string][]byte{
		"half a length": {1, 0},
		"half a frame":  one[:len(one)-1],
		"too long":      {0xff, 0xff, 0xff, 0xff},
		"no request":    frame([]byte{0xff}),
	} {
		if err := serve(bytes.NewReader(in), io.Discard, tested); err == nil {
			t.Errorf("%s is taken for a request", name)
		}
	}
}
