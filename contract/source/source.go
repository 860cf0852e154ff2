// Package source reads contracts from files: .proto files, and what compilers
// make of them.
package source

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/bufbuild/protocompile"
	"github.com/bufbuild/protocompile/reporter"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/types/descriptorpb"

	"github.com/mqrpc/mqrpc/contract"
)

// Files says which files on disk hold contracts. They are of one kind: .proto
// files, or what compilers make of them.
type Files struct {
	// Protosets are encoded FileDescriptorSets, as protoc's
	// --descriptor_set_out and buf build write them; in JSON if the name ends
	// in .json.
	Protosets []string
	// Protos are .proto files.
	Protos []string
	// ImportPaths are the directories that imports are relative to. Empty: the
	// working directory.
	ImportPaths []string
}

// Given reports whether there are any.
func (f Files) Given() bool { return len(f.Protosets) > 0 || len(f.Protos) > 0 }

// Load reads or compiles them. The result has every import, and comments if the
// files have them.
func (f Files) Load(ctx context.Context) (*descriptorpb.FileDescriptorSet, error) {
	switch {
	case len(f.Protosets) > 0 && len(f.Protos) > 0:
		return nil, errors.New("there are .proto files and protosets: choose one of the two")
	case len(f.Protosets) > 0:
		return readProtosets(f.Protosets)
	default:
		return compile(ctx, f.Protos, f.ImportPaths)
	}
}

// readProtosets reads and unites protosets.
func readProtosets(paths []string) (*descriptorpb.FileDescriptorSet, error) {
	union := &descriptorpb.FileDescriptorSet{}
	seen := make(map[string]*descriptorpb.FileDescriptorProto)
	for _, path := range paths {
		set, err := readProtoset(path)
		if err != nil {
			return nil, err
		}
		for _, file := range set.GetFile() {
			switch other := seen[file.GetName()]; {
			case other == nil:
				seen[file.GetName()] = file
				union.File = append(union.GetFile(), file)
			case !proto.Equal(other, file):
				return nil, fmt.Errorf("%s: another protoset has %s with other contents", path, file.GetName())
			}
		}
	}
	return union, nil
}

func readProtoset(path string) (*descriptorpb.FileDescriptorSet, error) {
	encoded, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	set := &descriptorpb.FileDescriptorSet{}
	if strings.HasSuffix(path, ".json") {
		err = protojson.UnmarshalOptions{DiscardUnknown: true}.Unmarshal(encoded, set)
	} else {
		err = proto.Unmarshal(encoded, set)
	}
	if err != nil || len(set.GetFile()) == 0 {
		return nil, fmt.Errorf("%s is no FileDescriptorSet: make one with "+
			"buf build -o FILE, or with protoc --include_imports --descriptor_set_out=FILE", path)
	}
	return set, nil
}

// compile compiles .proto files.
func compile(ctx context.Context, paths, importPaths []string) (*descriptorpb.FileDescriptorSet, error) {
	if len(importPaths) == 0 {
		importPaths = []string{"."}
	}
	names := make([]string, len(paths))
	for i, path := range paths {
		name, err := importName(path, importPaths)
		if err != nil {
			return nil, err
		}
		names[i] = name
	}
	var mistakes []error
	compiler := protocompile.Compiler{
		Resolver: protocompile.WithStandardImports(protocompile.CompositeResolver{
			&protocompile.SourceResolver{ImportPaths: importPaths},
			protocompile.ResolverFunc(findBuiltIn),
		}),
		SourceInfoMode: protocompile.SourceInfoStandard,
		Reporter: reporter.NewReporter(func(mistake reporter.ErrorWithPos) error {
			mistakes = append(mistakes, mistake)
			return nil // go on, to find all of them
		}, nil),
	}
	files, err := compiler.Compile(ctx, names...)
	switch {
	case len(mistakes) > 0:
		return nil, errors.Join(mistakes...)
	case err != nil:
		return nil, err
	}
	linked := make([]protoreflect.FileDescriptor, len(files))
	for i, file := range files {
		linked[i] = file
	}
	return contract.Collect(linked...), nil
}

// importName is how others import the file: its path below an import path.
func importName(path string, importPaths []string) (string, error) {
	for _, root := range importPaths {
		name, err := filepath.Rel(root, path)
		if err == nil && filepath.IsLocal(name) {
			return filepath.ToSlash(name), nil
		}
	}
	for _, root := range importPaths {
		if _, err := os.Stat(filepath.Join(root, path)); err == nil {
			return filepath.ToSlash(path), nil
		}
	}
	return "", fmt.Errorf("%s is below none of the import paths %s: add its directory with -I", path, strings.Join(importPaths, ", "))
}

// findBuiltIn finds the files that this program is built with and that
// contracts import without having them: mqrpc's options, and Google's.
func findBuiltIn(name string) (protocompile.SearchResult, error) {
	if !strings.HasPrefix(name, "mqrpc/") && !strings.HasPrefix(name, "google/") {
		return protocompile.SearchResult{}, protoregistry.NotFound
	}
	file, err := protoregistry.GlobalFiles.FindFileByPath(name)
	return protocompile.SearchResult{Desc: file}, err
}
