package dynamic

import (
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/mqrpc/mqrpc/contract"
	"github.com/mqrpc/mqrpc/runtime"
)

// revisionOf is the revision of services that are compiled in, "" if their files
// are not.
func revisionOf(services []*runtime.Service) string {
	names := make([]protoreflect.FullName, len(services))
	for i, service := range services {
		names[i] = service.FullName
	}
	files, err := contract.CollectServices(names...)
	if err != nil {
		return ""
	}
	return contract.Revision(files)
}
