package main

import (
	"fmt"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/types/dynamicpb"

	"github.com/mqrpc/mqrpc/transcode"
)

// testee answers the suite's requests with package transcode.
type testee struct {
	files      *protoregistry.Files
	types      *dynamicpb.Types
	request    protoreflect.MessageDescriptor
	response   protoreflect.MessageDescriptor
	converters map[converterKey]*transcode.Message
	counts     counts
}

// converterKey is what the suite's cases differ in.
type converterKey struct {
	messageType    protoreflect.FullName
	discardUnknown bool
}

// counts are of cases.
type counts struct{ all, fallback, binary, skipped int }

func (c counts) String() string {
	return fmt.Sprintf("conformance: %d cases, %d by the fallback, %d from protobuf to protobuf by dynamicpb, %d skipped",
		c.all, c.fallback, c.binary, c.skipped)
}

func newTestee() (*testee, error) {
	files, err := suiteFiles()
	if err != nil {
		return nil, fmt.Errorf("the suite's messages: %w", err)
	}
	tested := &testee{files: files, types: dynamicpb.NewTypes(files), converters: map[converterKey]*transcode.Message{}}
	if tested.request, err = tested.message("conformance.ConformanceRequest"); err != nil {
		return nil, err
	}
	tested.response, err = tested.message("conformance.ConformanceResponse")
	return tested, err
}

func (t *testee) message(name protoreflect.FullName) (protoreflect.MessageDescriptor, error) {
	found, err := t.files.FindDescriptorByName(name)
	if err != nil {
		return nil, err
	}
	message, ok := found.(protoreflect.MessageDescriptor)
	if !ok {
		return nil, fmt.Errorf("%s is no message", name)
	}
	return message, nil
}

// respond answers one request, both as they are sent. It fails only where the
// other side is not the suite.
func (t *testee) respond(wire []byte) ([]byte, error) {
	request, err := parseRequest(t.request, wire)
	if err != nil {
		return nil, err
	}
	if request.messageType == "conformance.FailureSet" {
		// The runner asks for the tests that are known to fail: none.
		return response{result: resultProtobuf}.serialized(t.response)
	}
	before := t.fallbacks()
	response := t.test(request)
	t.counts.all++
	if t.fallbacks() > before {
		t.counts.fallback++
	}
	if response.result == resultSkipped {
		t.counts.skipped++
	}
	return response.serialized(t.response)
}

// fallbacks is how many conversions took the package's fallback so far.
func (t *testee) fallbacks() uint64 {
	var sum uint64
	for _, converter := range t.converters {
		sum += converter.Fallbacks()
	}
	return sum
}

func (t *testee) test(request request) response {
	if request.output != formatProtobuf && request.output != formatJSON {
		return skipped("there is no output in format %d", request.output)
	}
	descriptor, err := t.message(protoreflect.FullName(request.messageType))
	if err != nil {
		return skipped("%s is not known here", request.messageType)
	}
	converter, err := t.converter(descriptor, request.category == ignoreUnknown)
	if err != nil {
		return skipped("%s: %v", request.messageType, err)
	}
	switch request.payload {
	case "protobuf_payload":
		if request.output == formatProtobuf {
			t.counts.binary++
			return t.fromProtobufToProtobuf(descriptor, request.content)
		}
		return t.fromProtobufToJSON(converter, request.content)
	case "json_payload":
		return fromJSON(converter, request)
	default:
		return skipped("there is no input as %s", request.payload)
	}
}

func (t *testee) converter(descriptor protoreflect.MessageDescriptor, discardUnknown bool) (*transcode.Message, error) {
	key := converterKey{descriptor.FullName(), discardUnknown}
	if made := t.converters[key]; made != nil {
		return made, nil
	}
	made, err := transcode.New(descriptor, transcode.Options{DiscardUnknown: discardUnknown, Resolver: t.types})
	if err == nil {
		t.converters[key] = made
	}
	return made, err
}

func fromJSON(converter *transcode.Message, request request) response {
	wire, err := converter.AppendWire(nil, request.content)
	if err != nil {
		return failed(resultParseError, err)
	}
	if request.output == formatProtobuf {
		return response{resultProtobuf, wire}
	}
	text, err := converter.AppendJSON(nil, wire)
	if err != nil {
		return failed(resultSerializeError, err)
	}
	return response{resultJSON, text}
}

// fromProtobufToJSON tells what is no message from a message that has no JSON;
// AppendJSON, which does both at once, does not.
func (t *testee) fromProtobufToJSON(converter *transcode.Message, wire []byte) response {
	text, err := converter.AppendJSON(nil, wire)
	if err == nil {
		return response{resultJSON, text}
	}
	message := dynamicpb.NewMessage(converter.Descriptor())
	if (proto.UnmarshalOptions{Resolver: t.types}).Unmarshal(wire, message) == nil {
		return failed(resultSerializeError, err)
	}
	return failed(resultParseError, err)
}

func (t *testee) fromProtobufToProtobuf(descriptor protoreflect.MessageDescriptor, wire []byte) response {
	message := dynamicpb.NewMessage(descriptor)
	if err := (proto.UnmarshalOptions{Resolver: t.types}).Unmarshal(wire, message); err != nil {
		return failed(resultParseError, err)
	}
	out, err := proto.MarshalOptions{Deterministic: true}.Marshal(message)
	if err != nil {
		return failed(resultSerializeError, err)
	}
	return response{resultProtobuf, out}
}
