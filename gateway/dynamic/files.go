package dynamic

import (
	"sync"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/types/descriptorpb"
	"google.golang.org/protobuf/types/dynamicpb"

	"github.com/mqrpc/mqrpc/runtime"
	"github.com/mqrpc/mqrpc/transcode"
	"github.com/mqrpc/mqrpc/wire"
)

// resolver finds the types inside google.protobuf.Any and of extensions: those
// of an API first, then those linked into the program. Most APIs never ask, so
// the index of its types is made when it does.
type resolver struct{ own func() *dynamicpb.Types }

var _ transcode.Resolver = resolver{}

func newResolver(services []*runtime.Service) resolver {
	return resolver{own: sync.OnceValue(func() *dynamicpb.Types {
		files := new(protoregistry.Files)
		for _, service := range services {
			for _, method := range service.Methods {
				for _, message := range []proto.Message{method.Request, method.Response} {
					addFile(files, message.ProtoReflect().Descriptor().ParentFile())
				}
			}
		}
		return dynamicpb.NewTypes(files)
	})}
}

// addFile adds a file with all that it imports. A file that clashes is left out:
// the API's files were linked before, so it is the same one.
func addFile(files *protoregistry.Files, file protoreflect.FileDescriptor) {
	if _, err := files.FindFileByPath(file.Path()); err == nil {
		return
	}
	imports := file.Imports()
	for i := range imports.Len() {
		addFile(files, imports.Get(i).FileDescriptor)
	}
	_ = files.RegisterFile(file)
}

// FindMessageByName implements [transcode.Resolver].
func (r resolver) FindMessageByName(name protoreflect.FullName) (protoreflect.MessageType, error) {
	if found, err := r.own().FindMessageByName(name); err == nil {
		return found, nil
	}
	return protoregistry.GlobalTypes.FindMessageByName(name)
}

// FindMessageByURL implements [transcode.Resolver].
func (r resolver) FindMessageByURL(url string) (protoreflect.MessageType, error) {
	if found, err := r.own().FindMessageByURL(url); err == nil {
		return found, nil
	}
	return protoregistry.GlobalTypes.FindMessageByURL(url)
}

// FindExtensionByName implements [transcode.Resolver].
func (r resolver) FindExtensionByName(name protoreflect.FullName) (protoreflect.ExtensionType, error) {
	if found, err := r.own().FindExtensionByName(name); err == nil {
		return found, nil
	}
	return protoregistry.GlobalTypes.FindExtensionByName(name)
}

// FindExtensionByNumber implements [transcode.Resolver].
func (r resolver) FindExtensionByNumber(message protoreflect.FullName, number protoreflect.FieldNumber) (protoreflect.ExtensionType, error) {
	if found, err := r.own().FindExtensionByNumber(message, number); err == nil {
		return found, nil
	}
	return protoregistry.GlobalTypes.FindExtensionByNumber(message, number)
}

// revisionOf is the revision of services that are compiled in, "" if their files
// are not.
func revisionOf(services []*runtime.Service) string {
	files := new(protoregistry.Files)
	for _, service := range services {
		descriptor, err := protoregistry.GlobalFiles.FindDescriptorByName(service.FullName)
		if err != nil {
			return ""
		}
		addFile(files, descriptor.ParentFile())
	}
	set := &descriptorpb.FileDescriptorSet{}
	files.RangeFiles(func(file protoreflect.FileDescriptor) bool {
		set.File = append(set.GetFile(), protodesc.ToFileDescriptorProto(file))
		return true
	})
	return wire.Revision(set)
}
