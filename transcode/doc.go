// Package transcode turns JSON into protobuf's wire format and back by
// descriptor, without generated code and without message objects.
//
// A [Message] is made once for each message type and kept:
//
//	message, err := transcode.New(descriptor, transcode.Options{})
//	wire, err := message.AppendWire(nil, []byte(`{"Code":"d3JmZGZkc2Y="}`))
//	json, err := message.AppendJSON(nil, wire)
//
// # Meaning
//
// The meaning of the JSON is protobuf's ProtoJSON specification, as the package
// protojson has it: what protojson accepts is accepted, and becomes the same
// message; what it refuses is refused. The one difference is the limit on depth
// in [Options]. The output is compact, and the same for the same input. Fields
// of a message that is written are in the order of the JSON, so its bytes may
// differ from those of proto.Marshal.
//
// # Speed
//
// Each type that a Message meets is compiled to a table, once. With it the text
// of one encoding is written straight from the other, in one pass, without
// allocations where the buffer has room. Input that is legal and rare, such as
// digits written as escapes, a field twice on the wire, or a MessageSet, falls
// back to message objects, with the same answer; [Message.Fallbacks] counts it.
// So does input that is refused, because that way it gets the library's errors.
// A stranger can therefore make a conversion as slow as protojson with
// dynamicpb, and hardly slower.
//
// The package knows nothing of RPC and imports protobuf only.
//
// # Map of the files
//
//	transcode.go    the API; types.go for the messages of one contract together
//	fallback.go     conversion by message objects
//	error.go        errors with stable and bounded text
//	table*.go       message types, compiled: their fields, names and forms
//	fromjson*.go    JSON to wire: the parser, and a file for each kind of thing
//	tojson*.go      wire to JSON: the writer, likewise
//	depth_*.go      limits on depth, for the fallback; cost_wire.go on size
//	conformance/    a testee for protobuf's conformance suite
package transcode
