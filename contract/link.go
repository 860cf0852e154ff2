package contract

import (
	"context"
	"fmt"
	"strings"

	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/types/descriptorpb"

	// Protobuf's own files. With all of them in every program, all programs read
	// contracts alike.
	_ "google.golang.org/protobuf/types/gofeaturespb"
	_ "google.golang.org/protobuf/types/known/anypb"
	_ "google.golang.org/protobuf/types/known/apipb"
	_ "google.golang.org/protobuf/types/known/durationpb"
	_ "google.golang.org/protobuf/types/known/emptypb"
	_ "google.golang.org/protobuf/types/known/fieldmaskpb"
	_ "google.golang.org/protobuf/types/known/sourcecontextpb"
	_ "google.golang.org/protobuf/types/known/structpb"
	_ "google.golang.org/protobuf/types/known/timestamppb"
	_ "google.golang.org/protobuf/types/known/typepb"
	_ "google.golang.org/protobuf/types/known/wrapperspb"
	_ "google.golang.org/protobuf/types/pluginpb"
)

// link builds descriptors of files that [Check] accepts, each after its imports.
func link(ctx context.Context, files *descriptorpb.FileDescriptorSet) ([]protoreflect.FileDescriptor, error) {
	l := linker{types: make(map[protoreflect.FullName]protoreflect.Descriptor)}
	linked := make([]protoreflect.FileDescriptor, 0, len(files.GetFile()))
	for _, file := range files.GetFile() {
		if err := ctx.Err(); err != nil {
			return nil, fmt.Errorf("linking %d files took too long: %w", len(files.GetFile()), err)
		}
		descriptor, err := l.add(file)
		if err != nil {
			return nil, fmt.Errorf("%s: %s", file.GetName(), clip(plain(err)))
		}
		linked = append(linked, descriptor)
	}
	return linked, nil
}

// linker resolves what files refer to in those that were added before. Unlike
// protoregistry.Files it finds nested types at once, so that a file that refers
// to many of them in a message with many others takes no longer than any other.
type linker struct {
	files protoregistry.Files // sees that no two files declare the same
	types map[protoreflect.FullName]protoreflect.Descriptor
}

var _ protodesc.Resolver = (*linker)(nil)

// FindFileByPath implements [protodesc.Resolver].
func (l *linker) FindFileByPath(path string) (protoreflect.FileDescriptor, error) {
	return l.files.FindFileByPath(path)
}

// FindDescriptorByName implements [protodesc.Resolver] for messages and enums.
func (l *linker) FindDescriptorByName(name protoreflect.FullName) (protoreflect.Descriptor, error) {
	if found := l.types[name]; found != nil {
		return found, nil
	}
	return nil, protoregistry.NotFound
}

func (l *linker) add(file *descriptorpb.FileDescriptorProto) (protoreflect.FileDescriptor, error) {
	descriptor, err := l.build(file)
	if err != nil {
		return nil, err
	}
	if err := l.files.RegisterFile(descriptor); err != nil {
		return nil, err
	}
	eachType(descriptor, func(found protoreflect.Descriptor) { l.types[found.FullName()] = found })
	return descriptor, nil
}

// build links a file. Of protobuf's own files this program's are taken: every
// API imports some, and sharing them saves most of the memory that a small API
// takes. Those that this program does not have define options of compilers; they
// are taken for empty, since a revision does not tell what is in them.
func (l *linker) build(file *descriptorpb.FileDescriptorProto) (linked protoreflect.FileDescriptor, err error) {
	if strings.HasPrefix(file.GetName(), wellKnown) {
		if shared, err := protoregistry.GlobalFiles.FindFileByPath(file.GetName()); err == nil {
			return shared, nil
		}
		file = &descriptorpb.FileDescriptorProto{Name: file.Name}
	}
	// These are a stranger's bytes: what the library does not expect of them
	// must not end the process.
	defer func() {
		if unexpected := recover(); unexpected != nil {
			err = fmt.Errorf("it cannot be linked: %v", unexpected)
		}
	}()
	return protodesc.NewFile(file, l)
}

// plain is the text of one of protobuf's errors, which vary the space after
// their prefix from build to build.
func plain(err error) string {
	return strings.TrimPrefix(strings.ReplaceAll(err.Error(), "\u00a0", " "), "proto: ")
}
