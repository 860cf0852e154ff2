package wire_test

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"os"
	"testing"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/descriptorpb"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/mqrpc/mqrpc/contract"
	mqrpcv1 "github.com/mqrpc/mqrpc/proto/mqrpc/v1"
)

const revisionsFile = "testdata/revisions.json"

// revisionVector is one entry of revisions.json; testdata/README.md describes
// its fields.
type revisionVector struct {
	Name     string `json:"name"`
	About    string `json:"about"`
	Files    string `json:"files"`
	Revision string `json:"revision"`
}

// revisionCase is a contract, and the case whose revision it has, too: "" for
// one of its own.
type revisionCase struct {
	name, about, same string
	files             []*descriptorpb.FileDescriptorProto
}

func revisionCases() []revisionCase {
	api, imported := apiFile(), importedFile()
	wellKnown := &descriptorpb.FileDescriptorProto{Name: proto.String("google/protobuf/duration.proto"), Package: proto.String("google.protobuf")}
	withSource := apiFile()
	withSource.SourceCodeInfo = &descriptorpb.SourceCodeInfo{Location: []*descriptorpb.SourceCodeInfo_Location{{Path: []int32{4, 0}, Span: []int32{1, 2, 3}}}}
	withJSONNames := apiFile()
	withJSONNames.MessageType[0].Field[0].JsonName = proto.String("sessionCode")
	otherJSONName := apiFile()
	otherJSONName.MessageType[0].Field[0].JsonName = proto.String("Code")
	otherOption := apiFile()
	proto.SetExtension(otherOption.Service[0].Method[0].Options, mqrpcv1.E_Method, &mqrpcv1.MethodOptions{Timeout: &durationpb.Duration{Seconds: 3}})
	unknownOption := apiFile()
	unknownOption.MessageType[0].Options = &descriptorpb.MessageOptions{}
	unknownOption.MessageType[0].Options.ProtoReflect().SetUnknown(entry(50_001, []byte("of somebody's plugin")))
	unordered := apiFile()
	unordered.MessageType[0].Options = &descriptorpb.MessageOptions{}
	unordered.MessageType[0].Options.ProtoReflect().SetUnknown(concat(entry(50_002, []byte("b")), entry(50_001, []byte("a"))))
	ordered := apiFile()
	ordered.MessageType[0].Options = &descriptorpb.MessageOptions{}
	ordered.MessageType[0].Options.ProtoReflect().SetUnknown(concat(entry(50_001, []byte("a")), entry(50_002, []byte("b"))))

	return []revisionCase{
		{name: "nothing", about: "No file at all."},
		{name: "one_file", about: "A service with its options.", files: []*descriptorpb.FileDescriptorProto{api}},
		{name: "two_files", about: "A file and what it imports.", files: []*descriptorpb.FileDescriptorProto{imported, api}},
		{name: "order", about: "The order of the files does not count.", same: "two_files", files: []*descriptorpb.FileDescriptorProto{api, imported}},
		{name: "well_known", about: "Protobuf's own files do not count.", same: "two_files", files: []*descriptorpb.FileDescriptorProto{wellKnown, imported, api}},
		{name: "source_info", about: "Source information does not count.", same: "one_file", files: []*descriptorpb.FileDescriptorProto{withSource}},
		{name: "default_json_names", about: "Default JSON names do not count, whether a compiler writes them or not.", same: "one_file", files: []*descriptorpb.FileDescriptorProto{withJSONNames}},
		{name: "json_name", about: "Another JSON name counts.", files: []*descriptorpb.FileDescriptorProto{otherJSONName}},
		{name: "option", about: "An option's value counts.", files: []*descriptorpb.FileDescriptorProto{otherOption}},
		{name: "unknown_option", about: "An option that nobody here knows counts.", files: []*descriptorpb.FileDescriptorProto{unknownOption}},
		{name: "options_in_order", about: "Two options that nobody here knows.", files: []*descriptorpb.FileDescriptorProto{ordered}},
		{name: "options_out_of_order", about: "Fields count in the order of their numbers.", same: "options_in_order", files: []*descriptorpb.FileDescriptorProto{unordered}},
	}
}

func apiFile() *descriptorpb.FileDescriptorProto {
	service := &descriptorpb.ServiceOptions{}
	proto.SetExtension(service, mqrpcv1.E_Service, &mqrpcv1.ServiceOptions{Module: "wxapp", Version: "1.0"})
	method := &descriptorpb.MethodOptions{IdempotencyLevel: descriptorpb.MethodOptions_NO_SIDE_EFFECTS.Enum()}
	proto.SetExtension(method, mqrpcv1.E_Method, &mqrpcv1.MethodOptions{Timeout: &durationpb.Duration{Seconds: 2}})
	return &descriptorpb.FileDescriptorProto{
		Name: proto.String("wxapp/v1/wxapp.proto"), Package: proto.String("wxapp.v1"), Syntax: proto.String("proto3"),
		Dependency: []string{"wxapp/v1/code.proto"},
		MessageType: []*descriptorpb.DescriptorProto{{Name: proto.String("Request"), Field: []*descriptorpb.FieldDescriptorProto{{
			Name: proto.String("session_code"), Number: proto.Int32(1),
			Label: descriptorpb.FieldDescriptorProto_LABEL_OPTIONAL.Enum(), Type: descriptorpb.FieldDescriptorProto_TYPE_STRING.Enum(),
		}}}},
		Service: []*descriptorpb.ServiceDescriptorProto{{Name: proto.String("Manager"), Options: service, Method: []*descriptorpb.MethodDescriptorProto{{
			Name: proto.String("Get"), InputType: proto.String(".wxapp.v1.Request"), OutputType: proto.String(".wxapp.v1.Request"), Options: method,
		}}}},
	}
}

func importedFile() *descriptorpb.FileDescriptorProto {
	return &descriptorpb.FileDescriptorProto{Name: proto.String("wxapp/v1/code.proto"), Package: proto.String("wxapp.v1"), Syntax: proto.String("proto3")}
}

func TestRevisionVectors(t *testing.T) {
	var vectors []revisionVector
	revisions := map[string]string{}
	for _, c := range revisionCases() {
		encoded := mustMarshal(&descriptorpb.FileDescriptorSet{File: c.files})
		files := &descriptorpb.FileDescriptorSet{}
		if err := proto.Unmarshal(encoded, files); err != nil {
			t.Fatal(err)
		}
		revision := contract.Revision(files)
		if original, ok := revisions[c.same]; ok && revision != original {
			t.Errorf("%s has revision %s, want that of %s, %s", c.name, revision, c.same, original)
		}
		if c.same == "" {
			for name, other := range revisions {
				if revision == other {
					t.Errorf("%s has the revision of %s", c.name, name)
				}
			}
			revisions[c.name] = revision
		}
		vectors = append(vectors, revisionVector{c.name, c.about, hex.EncodeToString(encoded), revision})
	}
	want, err := json.MarshalIndent(vectors, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	want = append(want, '\n')
	if *update {
		if err := os.WriteFile(revisionsFile, want, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(revisionsFile)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s is not what the cases give: run go test ./wire -update", revisionsFile)
	}
}
