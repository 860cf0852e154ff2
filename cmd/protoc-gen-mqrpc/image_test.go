package main

import (
	"os"
	"path"
	"slices"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/descriptorpb"
	"google.golang.org/protobuf/types/pluginpb"
)

// modulePath is the Go import path of testdata.
const modulePath = "github.com/mqrpc/mqrpc/cmd/protoc-gen-mqrpc/testdata"

// image is all of testdata's .proto files with all that they import, compiled
// by buf. So the tests need no compiler. "make generate" renews it.
type image struct {
	files []*descriptorpb.FileDescriptorProto
}

func loadImage(t *testing.T) image {
	t.Helper()
	content, err := os.ReadFile("testdata/image.binpb")
	if err != nil {
		t.Fatal(err)
	}
	set := &descriptorpb.FileDescriptorSet{}
	if err := proto.Unmarshal(content, set); err != nil {
		t.Fatal(err)
	}
	return image{set.GetFile()}
}

// under lists the files below a folder of testdata.
func (i image) under(folder string) []string {
	var names []string
	for _, file := range i.files {
		if strings.HasPrefix(file.GetName(), folder+"/") {
			names = append(names, file.GetName())
		}
	}
	return names
}

// request is what a compiler sends to have the files generated. It has been
// encoded and decoded, as a compiler's has.
func (i image) request(t *testing.T, parameter string, files ...string) *pluginpb.CodeGeneratorRequest {
	t.Helper()
	encoded, err := proto.Marshal(&pluginpb.CodeGeneratorRequest{
		FileToGenerate: files,
		Parameter:      proto.String(parameter),
		ProtoFile:      i.files,
	})
	if err != nil {
		t.Fatal(err)
	}
	request := &pluginpb.CodeGeneratorRequest{}
	if err := proto.Unmarshal(encoded, request); err != nil {
		t.Fatal(err)
	}
	return request
}

// cases lists the folders inside a folder of testdata.
func cases(t *testing.T, folder string) []string {
	t.Helper()
	entries, err := os.ReadDir(path.Join("testdata", folder))
	if err != nil {
		t.Fatal(err)
	}
	names := make([]string, 0, len(entries))
	for _, entry := range entries {
		names = append(names, entry.Name())
	}
	if len(names) == 0 {
		t.Fatalf("testdata/%s has no cases", folder)
	}
	return names
}

// generatedNames lists the files of a response.
func generatedNames(response *pluginpb.CodeGeneratorResponse) []string {
	var names []string
	for _, file := range response.GetFile() {
		names = append(names, file.GetName())
	}
	slices.Sort(names)
	return names
}
