package transcode_test

import (
	"fmt"

	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/structpb"

	"github.com/mqrpc/mqrpc/transcode"
	orderv1 "github.com/mqrpc/mqrpc/transcode/internal/order/v1"
)

// A message type is all that is needed: here that of generated code, elsewhere
// one from a FileDescriptorSet.
func Example() {
	message, err := transcode.New((*orderv1.Money)(nil).ProtoReflect().Descriptor(), transcode.Options{})
	if err != nil {
		panic(err)
	}
	wire, err := message.AppendWire(nil, []byte(`{"currency": "EUR", "units": 12, "nanos": 5e8}`))
	if err != nil {
		panic(err)
	}
	text, err := message.AppendJSON(nil, wire)
	if err != nil {
		panic(err)
	}
	fmt.Printf("%q\n%s\n", wire, text)
	// Output:
	// "\n\x03EUR\x10\f\x18\x80ʵ\xee\x01"
	// {"currency":"EUR","units":"12","nanos":500000000}
}

// Errors say where the JSON is wrong.
func ExampleMessage_AppendWire() {
	message, err := transcode.New((*orderv1.Money)(nil).ProtoReflect().Descriptor(), transcode.Options{})
	if err != nil {
		panic(err)
	}
	for _, text := range []string{`{"unit": 12}`, `{"units": "twelve"}`, `{"units": 12`} {
		_, err := message.AppendWire(nil, []byte(text))
		fmt.Println(err)
	}
	// Output:
	// (line 1:2): unknown field "unit"
	// (line 1:11): invalid value for int64 field units: "twelve"
	// syntax error (line 1:13): unexpected end
}

// A buffer that is used again makes conversions free of allocations.
func ExampleMessage_AppendJSON() {
	message, err := transcode.New((*durationpb.Duration)(nil).ProtoReflect().Descriptor(), transcode.Options{})
	if err != nil {
		panic(err)
	}
	var buffer []byte
	for _, wire := range [][]byte{{0x08, 90}, {0x10, 0x80, 0xca, 0xb5, 0xee, 0x01}} {
		if buffer, err = message.AppendJSON(buffer[:0], wire); err != nil {
			panic(err)
		}
		fmt.Printf("%s\n", buffer)
	}
	// Output:
	// "90s"
	// "0.500s"
}

// MaxDepth bounds what strangers may nest.
func ExampleOptions() {
	message, err := transcode.New((*structpb.Struct)(nil).ProtoReflect().Descriptor(), transcode.Options{MaxDepth: 3})
	if err != nil {
		panic(err)
	}
	_, err = message.AppendWire(nil, []byte(`{"a":{"b":{"c":{}}}}`))
	fmt.Println(err)
	// Output: (line 1:16): nested deeper than 3 levels
}
