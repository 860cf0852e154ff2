package main

import (
	_ "embed"
	"fmt"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/types/descriptorpb"
	"google.golang.org/protobuf/types/dynamicpb"
)

// The suite's descriptors; suite/README.md says where they come from.
//
//go:embed suite/messages.binpb
var suiteMessages []byte

func suiteFiles() (*protoregistry.Files, error) {
	var set descriptorpb.FileDescriptorSet
	if err := proto.Unmarshal(suiteMessages, &set); err != nil {
		return nil, err
	}
	return protodesc.NewFiles(&set)
}

// format is conformance.WireFormat.
type format protoreflect.EnumNumber

const (
	formatProtobuf format = 1
	formatJSON     format = 2
)

// ignoreUnknown is the conformance.TestCategory in which unknown fields in JSON
// are to be ignored.
const ignoreUnknown protoreflect.EnumNumber = 3

// request is what of conformance.ConformanceRequest concerns us.
type request struct {
	messageType string
	payload     protoreflect.Name // which of the payloads it has
	content     []byte
	output      format
	category    protoreflect.EnumNumber
}

func parseRequest(descriptor protoreflect.MessageDescriptor, wire []byte) (request, error) {
	message := dynamicpb.NewMessage(descriptor)
	if err := proto.Unmarshal(wire, message); err != nil {
		return request{}, fmt.Errorf("a request cannot be parsed: %w", err)
	}
	fields := descriptor.Fields()
	parsed := request{
		messageType: message.Get(fields.ByName("message_type")).String(),
		output:      format(message.Get(fields.ByName("requested_output_format")).Enum()),
		category:    message.Get(fields.ByName("test_category")).Enum(),
	}
	payload := message.WhichOneof(descriptor.Oneofs().ByName("payload"))
	if payload == nil {
		return parsed, nil
	}
	parsed.payload = payload.Name()
	if payload.Kind() == protoreflect.BytesKind {
		parsed.content = message.Get(payload).Bytes()
	} else {
		parsed.content = []byte(message.Get(payload).String())
	}
	return parsed, nil
}

// Which of conformance.ConformanceResponse's results a response is.
const (
	resultParseError     protoreflect.Name = "parse_error"
	resultSerializeError protoreflect.Name = "serialize_error"
	resultProtobuf       protoreflect.Name = "protobuf_payload"
	resultJSON           protoreflect.Name = "json_payload"
	resultSkipped        protoreflect.Name = "skipped"
)

// response is a conformance.ConformanceResponse.
type response struct {
	result  protoreflect.Name
	content []byte
}

func failed(result protoreflect.Name, err error) response {
	return response{result, []byte(err.Error())}
}

func skipped(format string, arguments ...any) response {
	return response{resultSkipped, fmt.Appendf(nil, format, arguments...)}
}

// serialized is the response as it is sent, deterministically.
func (r response) serialized(descriptor protoreflect.MessageDescriptor) ([]byte, error) {
	message := dynamicpb.NewMessage(descriptor)
	field := descriptor.Fields().ByName(r.result)
	if field.Kind() == protoreflect.BytesKind {
		message.Set(field, protoreflect.ValueOfBytes(r.content))
	} else {
		message.Set(field, protoreflect.ValueOfString(string(r.content)))
	}
	return proto.MarshalOptions{Deterministic: true}.Marshal(message)
}
