package contract_test

import (
	"context"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/descriptorpb"

	"github.com/mqrpc/mqrpc/contract"
	"github.com/mqrpc/mqrpc/contract/compat"
	"github.com/mqrpc/mqrpc/contract/printing"
	wxappv1 "github.com/mqrpc/mqrpc/examples/wxapp/proto/wxapp/v1"
	"github.com/mqrpc/mqrpc/transcode"
)

// perByte is the time that reading a contract may take for each of its bytes,
// on a machine that does much else.
const perByte = 100 * time.Microsecond

// FuzzLink reads a stranger's bytes as a gateway does. What is linked can be
// used: compared, transcoded, printed.
func FuzzLink(f *testing.F) {
	for _, files := range []*descriptorpb.FileDescriptorSet{
		contract.Collect(wxappv1.File_wxapp_v1_wxapp_proto),
		set(f, service),
		set(f, service+`syntax: "editions" edition: EDITION_2024 options { features { field_presence: IMPLICIT } }`),
		set(f, `name: "b.proto" message_type { name: "B" extension_range { start: 10 end: 20 } }`,
			service+`dependency: "b.proto" public_dependency: 0 extension { name: "x" number: 10 label: LABEL_OPTIONAL type: TYPE_MESSAGE type_name: ".p.M" extendee: ".B" }
			message_type { name: "Q" field { name: "f" number: 1 label: LABEL_REPEATED type: TYPE_MESSAGE type_name: ".p.Q.FEntry" } field { name: "e" number: 2 label: LABEL_OPTIONAL type: TYPE_ENUM type_name: ".p.E" oneof_index: 0 }
				oneof_decl { name: "o" } reserved_range { start: 5 end: 9 } reserved_name: "r"
				nested_type { name: "FEntry" options { map_entry: true } field { name: "key" number: 1 label: LABEL_OPTIONAL type: TYPE_STRING } field { name: "value" number: 2 label: LABEL_OPTIONAL type: TYPE_BOOL } } }
			enum_type { name: "E" value { name: "E0" number: 0 } }
			service { name: "T" method { name: "Do" input_type: ".p.Q" output_type: ".B" options { idempotency_level: IDEMPOTENT [mqrpc.v1.method] { timeout { seconds: 2 } } } } options { [mqrpc.v1.service] { module: "m" version: "1" } } }`),
	} {
		encoded, err := proto.Marshal(files)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(encoded)
	}
	f.Fuzz(func(t *testing.T, encoded []byte) {
		start := time.Now()
		files := &descriptorpb.FileDescriptorSet{}
		if contract.Unmarshal(encoded, files) != nil {
			return
		}
		apis, err := contract.Split(t.Context(), files)
		if took, bound := time.Since(start), time.Second+perByte*time.Duration(len(encoded)); took > bound {
			t.Errorf("%d bytes take %s, more than %s", len(encoded), took, bound)
		}
		if err != nil {
			return
		}
		for _, api := range apis {
			checkUsable(t, contract.KeyOf(api), api.GetFiles(), api.GetRevision())
		}
	})
}

func checkUsable(t *testing.T, key contract.Key, files *descriptorpb.FileDescriptorSet, revision string) {
	t.Helper()
	if err := contract.Check(files); err != nil {
		t.Errorf("what was linked does not pass the checks: %v", err)
	}
	c, err := contract.Link(context.Background(), key, files)
	if err != nil || c.Revision != revision {
		t.Fatalf("linked again it is %v, error %v; want revision %s", c, err, revision)
	}
	if breaks := compat.Check(c.Descriptors(), c.Descriptors()); len(breaks) > 0 {
		t.Errorf("it breaks itself:\n%s", compat.Lines(breaks))
	}
	for _, service := range c.Services {
		for _, method := range service.Methods {
			if found, err := c.Method(method.Address); err != nil || found != method {
				t.Errorf("%s is not found: %v", method, err)
			}
			message, err := transcode.New(method.Output(), transcode.Options{Resolver: c.Resolver()})
			if err != nil {
				continue
			}
			_, _ = message.AppendJSON(nil, nil)
			_, _ = message.AppendWire(nil, []byte(`{"f":{"":true},"e":0}`))
		}
	}
	if _, err := printing.Services(c); err != nil {
		t.Logf("it cannot be printed: %v", err)
	}
}
