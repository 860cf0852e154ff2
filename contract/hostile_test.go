package contract_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/encoding/prototext"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/types/descriptorpb"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/mqrpc/mqrpc/contract"
	mqrpcv1 "github.com/mqrpc/mqrpc/proto/mqrpc/v1"
)

// patience is how long a hostile contract may take. All take milliseconds; what
// takes longer than linear time would take hours.
const patience = 20 * time.Second

// hostile is the API of the contracts here.
func hostile() contract.Key { return contract.Key{Module: "m", Version: "1"} }

// service is a whole contract, but for its syntax and what a case adds.
const service = `name: "a.proto" package: "p" message_type { name: "M" }
	service { name: "S" method { name: "Do" input_type: ".p.M" output_type: ".p.M" }
		options { [mqrpc.v1.service] { module: "m" version: "1" } } } `

// set reads files in text format.
func set(t testing.TB, files ...string) *descriptorpb.FileDescriptorSet {
	t.Helper()
	set := &descriptorpb.FileDescriptorSet{}
	for _, text := range files {
		file := &descriptorpb.FileDescriptorProto{}
		if err := prototext.Unmarshal([]byte(text), file); err != nil {
			t.Fatalf("%v in %.1000s", err, text)
		}
		set.File = append(set.File, file)
	}
	return set
}

// repeat writes a text n times, each with its number.
func repeat(n int, format string) string {
	var text strings.Builder
	for i := range n {
		_, _ = fmt.Fprintf(&text, strings.ReplaceAll(format, "#", "%[1]d"), i+1)
	}
	return text.String()
}

// nested is a message in a message, n deep.
func nested(n int) string {
	return `message_type { name: "N" ` + strings.Repeat(`nested_type { name: "N" `, n-1) + strings.Repeat("}", n)
}

// TestLinkRefuses links what no compiler writes. The errors say what is wrong,
// in one line.
func TestLinkRefuses(t *testing.T) {
	long := strings.Repeat("x", contract.MaxNameBytes)
	for name, c := range map[string]struct {
		says  string
		files []string
	}{
		"no files":                  {"it has no files", nil},
		"a file without a name":     {"a file's name has 0 bytes", []string{`package: "p"`}},
		"a long file name":          {"a file's name has 1025 bytes", []string{`name: "` + strings.Repeat("x", 1025) + `"`}},
		"a file twice":              {`the file "a.proto" is there twice`, []string{service, `name: "a.proto"`}},
		"imports itself":            {`the file "a.proto" comes before its import "a.proto", or without it`, []string{service + `dependency: "a.proto"`}},
		"imports in circles":        {`the file "b.proto" comes before its import "a.proto", or without it`, []string{`name: "b.proto" dependency: "a.proto"`, service + `dependency: "b.proto"`}},
		"a missing import":          {`the file "a.proto" comes before its import "b.proto", or without it`, []string{service + `dependency: "b.proto"`}},
		"an import twice":           {`already imported "b.proto"`, []string{`name: "b.proto"`, service + `dependency: "b.proto" dependency: "b.proto"`}},
		"an impossible import":      {"has the public import 7 of 0", []string{service + `public_dependency: 7`}},
		"imports that are not used": {`not imported`, []string{`name: "b.proto" message_type { name: "B" }`, service + `message_type { name: "Q" field { name: "b" number: 1 label: LABEL_OPTIONAL type: TYPE_MESSAGE type_name: ".B" } }`}},

		"an unknown syntax":    {`the syntax "proto4" is unknown`, []string{service + `syntax: "proto4"`}},
		"no edition":           {"edition UNKNOWN is not supported", []string{service + `syntax: "editions"`}},
		"an unknown edition":   {"edition 2525 is not supported", []string{service + `syntax: "editions" edition: 2525`}},
		"a future edition":     {"edition 99999_TEST_ONLY is not supported", []string{service + `syntax: "editions" edition: EDITION_99999_TEST_ONLY`}},
		"an unstable edition":  {"edition UNSTABLE is not supported", []string{service + `syntax: "editions" edition: EDITION_UNSTABLE`}},
		"an edition in a test": {"edition UNKNOWN is not supported", []string{strings.Replace(service, "a.proto", "cmd/protoc-gen-go/testdata/a.proto", 1) + `syntax: "editions"`}},

		"features without an edition": {"has features, which only editions have", []string{service + `syntax: "proto3" options { features { field_presence: IMPLICIT } }`}},
		"a feature's unknown value":   {"the feature field_presence has the unknown value 77", []string{service + `syntax: "editions" edition: EDITION_2023 options { features { field_presence: 77 } }`}},
		"a feature without a value":   {"the feature enum_type has the unknown value 0", []string{service + `syntax: "editions" edition: EDITION_2023 enum_type { name: "E" value { name: "E0" number: 0 } options { features { enum_type: ENUM_TYPE_UNKNOWN } } }`}},

		"an option as it was written": {"p.S has options that no compiler has interpreted", []string{service + `service { name: "T" method { name: "Do" } } service { name: "S" options { uninterpreted_option { identifier_value: "x" } } }`}},

		"deep messages":      {"messages nest deeper than 32 at p.N.N.N", []string{service + nested(contract.MaxDepth+1)}},
		"a long name":        {"has more than 512 bytes", []string{service + `message_type { name: "` + long + `" }`}},
		"a long field":       {"has more than 512 bytes", []string{service + `message_type { name: "Q" field { name: "` + long + `" number: 1 label: LABEL_OPTIONAL type: TYPE_BOOL } }`}},
		"a long JSON name":   {"the JSON name of p.Q.f has more than 512 bytes", []string{service + `message_type { name: "Q" field { name: "f" json_name: "` + long + `x" number: 1 label: LABEL_OPTIONAL type: TYPE_BOOL } }`}},
		"a long reference":   {"p.S.To refers to a name of more than 512 bytes", []string{service + `service { name: "S" method { name: "To" input_type: ".` + long + `x" } }`}},
		"a relative name":    {`p.Q.f refers to "M", which is no full name`, []string{service + `message_type { name: "Q" field { name: "f" number: 1 label: LABEL_OPTIONAL type: TYPE_MESSAGE type_name: "M" } }`}},
		"an invalid package": {`invalid package: "p..q"`, []string{`name: "a.proto" package: "p..q"`}},
		"an invalid name":    {`invalid nested name: "two words"`, []string{service + `message_type { name: "two words" }`}},
		"no name":            {`invalid nested name: ""`, []string{service + `message_type { }`}},

		"a name twice":          {`descriptor "p.M" already declared`, []string{service + `message_type { name: "M" }`}},
		"a name in two files":   {"name conflict over p.M", []string{`name: "b.proto" package: "p" enum_type { name: "E" value { name: "M" number: 0 } }`, service}},
		"a package like a type": {"package name conflict over p.M", []string{service, `name: "b.proto" package: "p.M"`}},
		"two fields, one number": {"has conflicting fields", []string{service + `message_type { name: "Q"
			field { name: "f" number: 1 label: LABEL_OPTIONAL type: TYPE_BOOL } field { name: "g" number: 1 label: LABEL_OPTIONAL type: TYPE_BOOL } }`}},
		"no such type":       {`"p.Nobody" not found`, []string{service + `message_type { name: "Q" field { name: "f" number: 1 label: LABEL_OPTIONAL type: TYPE_MESSAGE type_name: ".p.Nobody" } }`}},
		"no such kind":       {"invalid kind: 99", []string{service + `message_type { name: "Q" field { name: "f" number: 1 label: LABEL_OPTIONAL type: 99 } }`}},
		"an enum of nothing": {"must contain at least one value", []string{service + `enum_type { name: "E" }`}},
		"no such oneof":      {"invalid oneof index: 5", []string{service + `message_type { name: "Q" field { name: "f" number: 1 label: LABEL_OPTIONAL type: TYPE_BOOL oneof_index: 5 } }`}},
		"an odd map": {"invalid map", []string{service + `message_type { name: "Q" field { name: "f" number: 1 label: LABEL_REPEATED type: TYPE_MESSAGE type_name: ".p.Q.FEntry" }
			nested_type { name: "FEntry" options { map_entry: true } field { name: "key" number: 1 label: LABEL_OPTIONAL type: TYPE_DOUBLE } field { name: "value" number: 2 label: LABEL_OPTIONAL type: TYPE_BOOL } } }`}},

		"another Duration":   {"google.protobuf is protobuf's own", []string{service, `name: "b.proto" package: "google.protobuf" message_type { name: "Duration" }`}},
		"a Duration, nested": {"it declares google.protobuf, but", []string{service, `name: "b.proto" package: "google" message_type { name: "protobuf" nested_type { name: "Duration" } }`}},
		"a file beside protobuf's": {`"google.protobuf.Fresh" not found`, []string{`name: "google/protobuf/fresh.proto" package: "google.protobuf" message_type { name: "Fresh" }`,
			service + `dependency: "google/protobuf/fresh.proto" message_type { name: "Q" field { name: "f" number: 1 label: LABEL_OPTIONAL type: TYPE_MESSAGE type_name: ".google.protobuf.Fresh" } }`}},

		"no service":          {"no service in its files names this module and version", []string{`name: "a.proto"`}},
		"an unmarked service": {"no service in its files", []string{`name: "a.proto" service { name: "S" }`}},
		"a service twice":     {"the services p.S and q.S share the short name S", []string{service, strings.NewReplacer("a.proto", "b.proto", `"p"`, `"q"`, ".p.", ".q.").Replace(service)}},
		"a stream":            {"a.proto: method T.Do: the request is a stream", []string{service + `service { name: "T" method { name: "Do" input_type: ".p.M" output_type: ".p.M" client_streaming: true } options { [mqrpc.v1.service] { module: "m" version: "1" } } }`}},
		"a wrong timeout":     {"a.proto: method T.Do: the timeout of 1 seconds and -1 nanos is no duration", []string{service + `service { name: "T" method { name: "Do" input_type: ".p.M" output_type: ".p.M" options { [mqrpc.v1.method] { timeout { seconds: 1 nanos: -1 } } } } options { [mqrpc.v1.service] { module: "m" version: "1" } } }`}},
		"a map entry":         {"T.Do", []string{service + `message_type { name: "Q" nested_type { name: "FEntry" options { map_entry: true } } } service { name: "T" method { name: "Do" input_type: ".p.M" output_type: ".p.Q.FEntry" } options { [mqrpc.v1.service] { module: "m" version: "1" } } }`}},
	} {
		t.Run(name, func(t *testing.T) {
			expectRefusal(t, set(t, c.files...), c.says)
		})
	}
	many := &descriptorpb.FileDescriptorSet{File: make([]*descriptorpb.FileDescriptorProto, contract.MaxFiles+1)}
	expectRefusal(t, many, "it has 2001 files, more than 2000")
}

func expectRefusal(t *testing.T, files *descriptorpb.FileDescriptorSet, says string) {
	t.Helper()
	err := inTime(t, func(ctx context.Context) error {
		_, err := contract.Link(ctx, hostile(), files)
		return err
	})
	if err == nil || !strings.Contains(err.Error(), says) || strings.Contains(err.Error(), "\n") || len(err.Error()) > 1500 {
		t.Errorf("got error %v, want one about %q", err, says)
	}
}

// inTime runs what must not take long.
func inTime(t *testing.T, run func(context.Context) error) error {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	done := make(chan error, 1)
	go func() { done <- run(ctx) }()
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
		t.Fatal("it takes too long")
		return nil
	}
}

// TestLinkIsLinear links what takes exponential or quadratic time elsewhere.
func TestLinkIsLinear(t *testing.T) {
	t.Run("public imports in layers", func(t *testing.T) {
		files := []string{`name: "0"`, `name: "1" dependency: "0" public_dependency: 0`}
		for i := range 200 {
			files = append(files, fmt.Sprintf(`name: "%d" dependency: "%d" dependency: "%d" public_dependency: [0, 1]`, i+2, i+1, i))
		}
		expectRefusal(t, set(t, files...), "by more than 100000 ways of public imports")
	})
	t.Run("types beside many others", func(t *testing.T) {
		const many = 12_000
		link(t, set(t,
			`name: "b.proto" package: "q" message_type { name: "Q" nested_type { name: "T" }`+repeat(many, `enum_type { name: "E#" value { name: "V#" number: 0 } }`)+`}`,
			service+`dependency: "b.proto" message_type { name: "R"`+repeat(many, `field { name: "f#" number: # label: LABEL_OPTIONAL type: TYPE_MESSAGE type_name: ".q.Q.T" }`)+`}`))
	})
	t.Run("messages", func(t *testing.T) {
		link(t, set(t, service+repeat(contract.MaxElements-1000, `message_type { name: "M#" }`)))
	})
	t.Run("too many messages", func(t *testing.T) {
		expectRefusal(t, set(t, service+repeat(contract.MaxElements, `message_type { name: "M#" }`)), "its files declare more than 50000 elements")
	})
	t.Run("files in a row", func(t *testing.T) {
		files := []string{`name: "0"`}
		for i := range contract.MaxFiles - 2 {
			files = append(files, fmt.Sprintf(`name: "%d" dependency: "%d"`, i+1, i))
		}
		link(t, set(t, append(files, service)...))
	})
}

func link(t *testing.T, files *descriptorpb.FileDescriptorSet) {
	t.Helper()
	if err := inTime(t, func(ctx context.Context) error {
		_, err := contract.Link(ctx, hostile(), files)
		return err
	}); err != nil {
		t.Error(err)
	}
}

// TestLinkEndsWithItsContext: whoever waits for a contract has a deadline.
func TestLinkEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := contract.Link(ctx, hostile(), set(t, service)); !errors.Is(err, context.Canceled) {
		t.Errorf("got error %v, want %v", err, context.Canceled)
	}
}

// TestLinkAccepts what is unusual, and fine.
func TestLinkAccepts(t *testing.T) {
	for name, files := range map[string][]string{
		"proto2":       {service},
		"edition 2024": {service + `syntax: "editions" edition: EDITION_2024 options { features { field_presence: IMPLICIT enforce_naming_style: STYLE_LEGACY } }`},
		"a language's feature": {`name: "google/protobuf/cpp_features.proto" package: "pb" message_type { name: "CppFeatures" }`,
			service + `dependency: "google/protobuf/cpp_features.proto" syntax: "editions" edition: EDITION_2023`},
		"an option's import": {service + `syntax: "editions" edition: EDITION_2024 option_dependency: "elsewhere.proto"`},
		"deep messages":      {service + nested(contract.MaxDepth)},
		"another descriptor.proto": {`name: "google/protobuf/descriptor.proto" package: "google.protobuf" syntax: "editions" edition: EDITION_MAX message_type { name: "New" }`,
			service + `dependency: "google/protobuf/descriptor.proto"`},
		"another service": {service + `service { name: "T" method { name: "Do" input_type: ".p.M" output_type: ".p.M" server_streaming: true } }`},
	} {
		t.Run(name, func(t *testing.T) { link(t, set(t, files...)) })
	}
	foreign := set(t, service+`syntax: "editions" edition: EDITION_2023 options { features { field_presence: IMPLICIT } }`)
	features := foreign.GetFile()[0].GetOptions().GetFeatures().ProtoReflect()
	features.SetUnknown(protowire.AppendVarint(protowire.AppendTag(nil, 9990, protowire.VarintType), 1))
	link(t, foreign)
	features.SetUnknown(protowire.AppendVarint(protowire.AppendTag(nil, 99, protowire.VarintType), 1))
	expectRefusal(t, foreign, "the feature 99 is unknown")
}

// TestSharedFiles: of protobuf's own files this program's are linked, whatever a
// contract has under their names.
func TestSharedFiles(t *testing.T) {
	c, err := contract.Link(t.Context(), hostile(), set(t,
		`name: "google/protobuf/duration.proto" package: "google.protobuf" message_type { name: "Duration" field { name: "evil" number: 1 label: LABEL_OPTIONAL type: TYPE_STRING } }`,
		service+`dependency: "google/protobuf/duration.proto" message_type { name: "Q" field { name: "d" number: 1 label: LABEL_OPTIONAL type: TYPE_MESSAGE type_name: ".google.protobuf.Duration" } }`))
	if err != nil {
		t.Fatal(err)
	}
	found, err := c.Find("p.Q")
	if err != nil {
		t.Fatal(err)
	}
	message, err := c.Resolver().FindMessageByName(found.FullName())
	if err != nil {
		t.Fatal(err)
	}
	if got := message.Descriptor().Fields().ByName("d").Message(); got != (&durationpb.Duration{}).ProtoReflect().Descriptor() {
		t.Errorf("the contract's %s is linked", got.FullName())
	}
}

// TestSplitRefusesImages: a set that is no worker's own may be in any order.
func TestSplitRefusesImages(t *testing.T) {
	for says, files := range map[string][]string{
		`the file "a.proto" is there twice`:                                       {service, service},
		`m/1: "a.proto" imports "b.proto", which is missing`:                      {service + `dependency: "b.proto"`},
		`"b.proto" imports "a.proto", which imports it, perhaps by way of others`: {service + `dependency: "b.proto"`, `name: "b.proto" dependency: "a.proto"`},
		`none of the 1 files has a service with the option`:                       {`name: "a.proto"`},
	} {
		if _, err := contract.Split(t.Context(), set(t, files...)); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("got error %v, want one about %q", err, says)
		}
		if _, err := contract.Find(t.Context(), hostile(), set(t, files...)); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("got error %v, want one about %q", err, says)
		}
	}
}

// field is an encoded field of a length-delimited type.
func field(number protowire.Number, contents []byte) []byte {
	return protowire.AppendBytes(protowire.AppendTag(nil, number, protowire.BytesType), contents)
}

func TestUnmarshalRefuses(t *testing.T) {
	const setFile, fileMessage, fileService, nestedType, messageField, serviceOptions, reservedName = 1, 4, 6, 3, 2, 3, 10
	deep := []byte{}
	for range 100 {
		deep = field(nestedType, deep)
	}
	many := func(one []byte) []byte { return slices.Repeat(one, contract.MaxElements*2+1) }
	for name, c := range map[string]struct {
		says  string
		bytes []byte
	}{
		"too long":       {"more than 4194304", make([]byte, contract.MaxBytes+1)},
		"files":          {"more than 100000 parts", many(field(setFile, nil))},
		"messages":       {"more than 100000 parts", field(setFile, many(field(fileMessage, nil)))},
		"fields":         {"more than 100000 parts", field(setFile, field(fileMessage, many(field(messageField, nil))))},
		"reserved names": {"more than 100000 parts", field(setFile, field(fileMessage, many(field(reservedName, nil))))},
		"options":        {"more than 100000 parts", field(setFile, field(fileService, many(field(serviceOptions, nil))))},
		"extensions":     {"more than 100000 parts", field(setFile, field(fileService, field(serviceOptions, many(field(mqrpcv1.E_Service.TypeDescriptor().Number(), nil)))))},
		"deep":           {"nests deeper than 48 messages", field(setFile, field(fileMessage, deep))},
		"cut off":        {"unexpected EOF", field(setFile, []byte{0x22, 200})},
		"no wire type":   {"", []byte{0x0f}},
	} {
		t.Run(name, func(t *testing.T) {
			var err error
			allocated := testing.AllocsPerRun(1, func() {
				err = contract.Unmarshal(c.bytes, &descriptorpb.FileDescriptorSet{})
			})
			if err == nil || !strings.Contains(err.Error(), c.says) {
				t.Errorf("got error %v, want one about %q", err, c.says)
			}
			if allocated > 50 {
				t.Errorf("it takes %.0f allocations to find out", allocated)
			}
		})
	}
}

func TestUnmarshal(t *testing.T) {
	want := &descriptorpb.FileDescriptorSet{File: []*descriptorpb.FileDescriptorProto{
		protodesc.ToFileDescriptorProto(descriptorpb.File_google_protobuf_descriptor_proto), set(t, service).GetFile()[0],
	}}
	encoded, err := proto.Marshal(want)
	if err != nil {
		t.Fatal(err)
	}
	got := &descriptorpb.FileDescriptorSet{}
	if err := contract.Unmarshal(encoded, got); err != nil || !proto.Equal(got, want) {
		t.Errorf("got %v, error %v", got, err)
	}
}
