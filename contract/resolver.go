package contract

import (
	"errors"
	"sync"

	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/types/dynamicpb"
)

// Resolver finds the types inside google.protobuf.Any and of extensions: those
// of a contract first, then those that are linked into the program, such as the
// details of errors. It is safe for concurrent use.
//
// Most APIs never ask, so the index of their types is made when they do.
type Resolver struct {
	files func() *protoregistry.Files
	types func() *dynamicpb.Types
}

func newResolver(files []protoreflect.FileDescriptor) *Resolver {
	index := sync.OnceValue(func() *protoregistry.Files {
		index := new(protoregistry.Files)
		for _, file := range files {
			_ = index.RegisterFile(file) // they were linked together, so none clashes
		}
		return index
	})
	return &Resolver{
		files: index,
		types: sync.OnceValue(func() *dynamicpb.Types { return dynamicpb.NewTypes(index()) }),
	}
}

// FindMessageByName implements [protoregistry.MessageTypeResolver].
func (r *Resolver) FindMessageByName(name protoreflect.FullName) (protoreflect.MessageType, error) {
	found, err := r.types().FindMessageByName(name)
	if errors.Is(err, protoregistry.NotFound) {
		return protoregistry.GlobalTypes.FindMessageByName(name)
	}
	return found, err
}

// FindMessageByURL implements [protoregistry.MessageTypeResolver].
func (r *Resolver) FindMessageByURL(url string) (protoreflect.MessageType, error) {
	found, err := r.types().FindMessageByURL(url)
	if errors.Is(err, protoregistry.NotFound) {
		return protoregistry.GlobalTypes.FindMessageByURL(url)
	}
	return found, err
}

// FindExtensionByName implements [protoregistry.ExtensionTypeResolver].
func (r *Resolver) FindExtensionByName(name protoreflect.FullName) (protoreflect.ExtensionType, error) {
	found, err := r.types().FindExtensionByName(name)
	if errors.Is(err, protoregistry.NotFound) {
		return protoregistry.GlobalTypes.FindExtensionByName(name)
	}
	return found, err
}

// FindExtensionByNumber implements [protoregistry.ExtensionTypeResolver].
func (r *Resolver) FindExtensionByNumber(message protoreflect.FullName, number protoreflect.FieldNumber) (protoreflect.ExtensionType, error) {
	found, err := r.types().FindExtensionByNumber(message, number)
	if errors.Is(err, protoregistry.NotFound) {
		return protoregistry.GlobalTypes.FindExtensionByNumber(message, number)
	}
	return found, err
}
