package cli

import (
	"fmt"
	"strings"

	"google.golang.org/protobuf/encoding/prototext"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/dynamicpb"

	"github.com/mqrpc/mqrpc/runtime"
	"github.com/mqrpc/mqrpc/transcode"
)

// codec turns the text of a request into bytes, and those of a response into
// text.
type codec interface {
	encode(text string) ([]byte, error)
	decode(payload []byte) (string, error)
}

// codecOptions are the same for all codecs.
type codecOptions struct {
	emitDefaults bool
	allowUnknown bool
	resolver     transcode.Resolver
}

// newCodec returns the codec of a format for a method.
func newCodec(method *runtime.Method, format string, options codecOptions) (codec, error) {
	request, response := method.Request.ProtoReflect().Descriptor(), method.Response.ProtoReflect().Descriptor()
	if format == "text" {
		return textCodec{request: request, response: response, options: options}, nil
	}
	from, err := transcode.New(request, transcode.Options{DiscardUnknown: options.allowUnknown, Resolver: options.resolver})
	if err != nil {
		return nil, err
	}
	to, err := transcode.New(response, transcode.Options{EmitUnpopulated: options.emitDefaults, Resolver: options.resolver})
	if err != nil {
		return nil, err
	}
	return jsonCodec{request: from, response: to}, nil
}

// jsonCodec reads and writes ProtoJSON.
type jsonCodec struct{ request, response *transcode.Message }

func (c jsonCodec) encode(text string) ([]byte, error) {
	if strings.TrimSpace(text) == "" {
		return nil, nil // the empty request
	}
	payload, err := c.request.AppendWire(nil, []byte(text))
	if err != nil {
		return nil, fmt.Errorf("the request is no %s in JSON: %w", c.request.Descriptor().FullName(), err)
	}
	return payload, nil
}

func (c jsonCodec) decode(payload []byte) (string, error) {
	text, err := c.response.AppendJSON(nil, payload)
	if err != nil {
		return "", fmt.Errorf("the response is no %s: %w", c.response.Descriptor().FullName(), err)
	}
	return indented(text, ""), nil
}

// textCodec reads and writes protobuf's text format.
type textCodec struct {
	request, response protoreflect.MessageDescriptor
	options           codecOptions
}

func (c textCodec) encode(text string) ([]byte, error) {
	message := dynamicpb.NewMessage(c.request)
	options := prototext.UnmarshalOptions{DiscardUnknown: c.options.allowUnknown, Resolver: c.options.resolver}
	if err := options.Unmarshal([]byte(text), message); err != nil {
		// The library varies the space after "proto:" from build to build.
		reason := strings.TrimPrefix(strings.ReplaceAll(err.Error(), "\u00a0", " "), "proto: ")
		return nil, fmt.Errorf("the request is no %s in text format: %s", c.request.FullName(), reason)
	}
	return proto.Marshal(message)
}

func (c textCodec) decode(payload []byte) (string, error) {
	message := dynamicpb.NewMessage(c.response)
	if err := (proto.UnmarshalOptions{Resolver: c.options.resolver}).Unmarshal(payload, message); err != nil {
		return "", fmt.Errorf("the response is no %s: %w", c.response.FullName(), err)
	}
	text := prototext.MarshalOptions{Multiline: true, Resolver: c.options.resolver}.Format(message)
	return strings.TrimSuffix(text, "\n"), nil
}
