package source

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/mqrpc/mqrpc/contract"
	wxappv1 "github.com/mqrpc/mqrpc/examples/wxapp/proto/wxapp/v1"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/descriptorpb"
)

// write writes a file below a directory and returns its path.
func write(t *testing.T, dir, name string, contents []byte) string {
	t.Helper()
	path := filepath.Join(dir, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o750); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, contents, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestProtosets(t *testing.T) {
	set := contract.Collect(wxappv1.File_wxapp_v1_wxapp_proto)
	json, err := protojson.Marshal(set)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	binary := write(t, dir, "wxapp.binpb", encoded(t, set))
	text := write(t, dir, "wxapp.json", json)
	for _, paths := range [][]string{{binary}, {text}, {binary, text}} {
		got, err := Files{Protosets: paths}.Load(t.Context())
		if err != nil || len(got.GetFile()) != len(set.GetFile()) {
			t.Errorf("%v: %d files, %v", paths, len(got.GetFile()), err)
		}
	}
}

func TestProtosetsRefuse(t *testing.T) {
	dir := t.TempDir()
	set := contract.Collect(wxappv1.File_wxapp_v1_wxapp_proto)
	other := proto.CloneOf(set)
	other.File[len(other.File)-1].Package = proto.String("other")
	for want, files := range map[string]Files{
		"no such file":           {Protosets: []string{dir + "/nothing"}},
		"is no FileDescriptor":   {Protosets: []string{write(t, dir, "text", []byte("syntax"))}},
		"with other contents":    {Protosets: []string{write(t, dir, "a", encoded(t, set)), write(t, dir, "b", encoded(t, other))}},
		"choose one of the two":  {Protosets: []string{"a"}, Protos: []string{"b"}},
		"protoc --include_impor": {Protosets: []string{write(t, dir, "empty", encoded(t, &descriptorpb.FileDescriptorSet{}))}},
	} {
		if _, err := files.Load(t.Context()); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q", err, want)
		}
	}
}

func TestCompileRefuses(t *testing.T) {
	dir := t.TempDir()
	broken := write(t, dir, "broken.proto", []byte("syntax = \"proto3\";\nmessage A { Nothing a = 1; }\nmessage B { Nobody b = 1; }\n"))
	_, err := Files{Protos: []string{broken}, ImportPaths: []string{dir}}.Load(t.Context())
	for _, want := range []string{"broken.proto:2:13", "Nothing", "broken.proto:3:13", "Nobody"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q", err, want)
		}
	}
	_, err = Files{Protos: []string{broken}, ImportPaths: []string{dir + "/other"}}.Load(t.Context())
	if err == nil || !strings.Contains(err.Error(), "is below none of the import paths") {
		t.Errorf("got %v", err)
	}
}

// TestImportNames: a file's name is its path below an import path, or the path
// itself if an import path has it.
func TestImportNames(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "x/a.proto", []byte("syntax = \"proto3\";"))
	for _, path := range []string{filepath.Join(dir, "x", "a.proto"), "x/a.proto"} {
		set, err := Files{Protos: []string{path}, ImportPaths: []string{dir}}.Load(t.Context())
		if err != nil || set.GetFile()[0].GetName() != "x/a.proto" {
			t.Errorf("%s: %v, %v", path, set, err)
		}
	}
}

// encoded is a set as bytes.
func encoded(t *testing.T, set *descriptorpb.FileDescriptorSet) []byte {
	t.Helper()
	bytes, err := proto.Marshal(set)
	if err != nil {
		t.Fatal(err)
	}
	return bytes
}
