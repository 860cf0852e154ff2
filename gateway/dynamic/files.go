package dynamic

import (
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"

	"github.com/mqrpc/mqrpc/contract"
	"github.com/mqrpc/mqrpc/runtime"
)

// revisionOf is the revision of services that are compiled in, "" if their files
// are not.
func revisionOf(services []*runtime.Service) string {
	var files []protoreflect.FileDescriptor
	for _, service := range services {
		descriptor, err := protoregistry.GlobalFiles.FindDescriptorByName(service.FullName)
		if err != nil {
			return ""
		}
		files = append(files, descriptor.ParentFile())
	}
	return contract.Revision(contract.Collect(files...))
}
