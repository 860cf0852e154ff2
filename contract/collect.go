package contract

import (
	"fmt"

	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/types/descriptorpb"
)

// Collect returns files with all that they import, each after its imports; what
// they import for its options alone is not among it. Files that a compiler made
// keep their comments; those in generated code have none.
func Collect(files ...protoreflect.FileDescriptor) *descriptorpb.FileDescriptorSet {
	set := &descriptorpb.FileDescriptorSet{}
	seen := make(map[string]bool)
	var add func(file protoreflect.FileDescriptor)
	add = func(file protoreflect.FileDescriptor) {
		if seen[file.Path()] {
			return
		}
		seen[file.Path()] = true
		for i := range file.Imports().Len() {
			add(file.Imports().Get(i).FileDescriptor)
		}
		set.File = append(set.GetFile(), toProto(file))
	}
	for _, file := range files {
		add(file)
	}
	return set
}

// CollectServices is [Collect] for the files of services that are compiled into
// the program.
func CollectServices(names ...protoreflect.FullName) (*descriptorpb.FileDescriptorSet, error) {
	files := make([]protoreflect.FileDescriptor, len(names))
	for i, name := range names {
		descriptor, err := protoregistry.GlobalFiles.FindDescriptorByName(name)
		if err != nil {
			return nil, fmt.Errorf("the descriptor of service %s is not linked into the program: %w", name, err)
		}
		files[i] = descriptor.ParentFile()
	}
	return Collect(files...), nil
}

// compiled is a file that a compiler made: protocompile's linker.Result.
type compiled interface {
	FileDescriptorProto() *descriptorpb.FileDescriptorProto
}

func toProto(file protoreflect.FileDescriptor) *descriptorpb.FileDescriptorProto {
	if file, is := file.(compiled); is {
		return file.FileDescriptorProto()
	}
	return protodesc.ToFileDescriptorProto(file)
}
