package contract

import (
	"context"
	"fmt"
	"strings"

	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/types/descriptorpb"
)

// link builds descriptors, each file after its imports. Of protobuf's own files
// this process's are used: every API imports some, and sharing them saves most
// of the memory that a small API takes.
func link(ctx context.Context, files *descriptorpb.FileDescriptorSet) ([]protoreflect.FileDescriptor, error) {
	set := new(protoregistry.Files)
	linked := make([]protoreflect.FileDescriptor, 0, len(files.GetFile()))
	for _, file := range files.GetFile() {
		if err := ctx.Err(); err != nil {
			return nil, fmt.Errorf("linking %d files: %w", len(files.GetFile()), err)
		}
		descriptor, err := sharedFile(file.GetName())
		if err != nil {
			descriptor, err = protodesc.NewFile(file, set)
		}
		if err != nil {
			return nil, err
		}
		if err := set.RegisterFile(descriptor); err != nil {
			return nil, err
		}
		linked = append(linked, descriptor)
	}
	return linked, nil
}

// sharedFile returns this process's edition of one of protobuf's own files.
func sharedFile(name string) (protoreflect.FileDescriptor, error) {
	if !strings.HasPrefix(name, wellKnown) {
		return nil, protoregistry.NotFound
	}
	return protoregistry.GlobalFiles.FindFileByPath(name)
}
