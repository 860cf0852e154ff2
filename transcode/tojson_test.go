package transcode

import (
	"bytes"
	"encoding/json"
	"testing"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
)

// compactJSON is what protojson makes of a message, without the white space
// that it adds at random.
func compactJSON(t testing.TB, message proto.Message) (text string, err error) {
	t.Helper()
	spaced, err := protojson.Marshal(message)
	if err != nil {
		return "", err
	}
	var compact bytes.Buffer
	if err := json.Compact(&compact, spaced); err != nil {
		t.Fatal(err)
	}
	return compact.String(), nil
}

// checkFast converts a message on the fast path, and holds it to protojson: the
// same text, or a refusal where protojson has an error.
func checkFast(t testing.TB, converter *Message, message proto.Message) {
	t.Helper()
	wire, err := proto.MarshalOptions{Deterministic: true, AllowPartial: true}.Marshal(message)
	if err != nil {
		t.Fatal(err)
	}
	want, wantErr := compactJSON(t, message)
	got, ok, _ := converter.appendJSON([]byte("kept"), wire)
	switch {
	case ok != (wantErr == nil):
		t.Errorf("%v: the fast path accepts it: %v; protojson: %v", message, ok, wantErr)
	case ok && string(got) != "kept"+want:
		t.Errorf("%v:\n got %s\nwant %s", message, got, "kept"+want)
	}
}

func converterOf(t testing.TB, message proto.Message, options Options) *Message {
	t.Helper()
	converter, err := New(message.ProtoReflect().Descriptor(), options)
	if err != nil {
		t.Fatal(err)
	}
	return converter
}
