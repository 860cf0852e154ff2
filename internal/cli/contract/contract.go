package contract

import (
	"errors"
	"fmt"
	"strings"

	_ "google.golang.org/genproto/googleapis/rpc/errdetails" // the usual details of errors, for Resolver
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/types/descriptorpb"
	"google.golang.org/protobuf/types/dynamicpb"

	"github.com/mqrpc/mqrpc/registry"
	"github.com/mqrpc/mqrpc/runtime"
	"github.com/mqrpc/mqrpc/transcode"
)

// Contract is the contract of one API.
type Contract struct {
	// Key is the API.
	Key registry.Key
	// Revision identifies the contract.
	Revision string
	// Services are those of the API, with dynamic messages.
	Services []*runtime.Service

	files   *protoregistry.Files
	ordered []protoreflect.FileDescriptor // each after its imports
}

// New finds an API in files, which may hold more than that.
func New(key registry.Key, files *descriptorpb.FileDescriptorSet) (*Contract, error) {
	apis, err := registry.Split(files)
	if err != nil {
		return nil, err
	}
	var others []string
	for _, api := range apis {
		if registry.KeyOf(api) != key {
			others = append(others, registry.KeyOf(api).String())
			continue
		}
		c := &Contract{Key: key, Revision: api.GetRevision()}
		if c.Services, err = registry.Services(api); err != nil {
			return nil, err
		}
		return c, c.link(api.GetFiles(), comments(files))
	}
	return nil, fmt.Errorf("the files declare no %s; they declare %s", key, strings.Join(others, ", "))
}

// comments are the files' source information, by file.
func comments(files *descriptorpb.FileDescriptorSet) map[string]*descriptorpb.SourceCodeInfo {
	found := make(map[string]*descriptorpb.SourceCodeInfo)
	for _, file := range files.GetFile() {
		found[file.GetName()] = file.GetSourceCodeInfo()
	}
	return found
}

// link builds descriptors that know their comments.
func (c *Contract) link(files *descriptorpb.FileDescriptorSet, comments map[string]*descriptorpb.SourceCodeInfo) error {
	c.files = new(protoregistry.Files)
	for _, file := range files.GetFile() {
		commented := proto.CloneOf(file)
		commented.SourceCodeInfo = comments[file.GetName()]
		linked, err := protodesc.NewFile(commented, c.files)
		if err != nil {
			return err
		}
		if err := c.files.RegisterFile(linked); err != nil {
			return err
		}
		c.ordered = append(c.ordered, linked)
	}
	return nil
}

// Resolver finds the types inside google.protobuf.Any: the contract's, and those
// that this program has, such as the details of errors.
func (c *Contract) Resolver() transcode.Resolver {
	return resolver{own: dynamicpb.NewTypes(c.files), others: protoregistry.GlobalTypes}
}

// resolver asks one resolver after the other.
type resolver struct{ own, others transcode.Resolver }

// FindMessageByName implements [transcode.Resolver].
func (r resolver) FindMessageByName(name protoreflect.FullName) (protoreflect.MessageType, error) {
	found, err := r.own.FindMessageByName(name)
	if errors.Is(err, protoregistry.NotFound) {
		return r.others.FindMessageByName(name)
	}
	return found, err
}

// FindMessageByURL implements [transcode.Resolver].
func (r resolver) FindMessageByURL(url string) (protoreflect.MessageType, error) {
	found, err := r.own.FindMessageByURL(url)
	if errors.Is(err, protoregistry.NotFound) {
		return r.others.FindMessageByURL(url)
	}
	return found, err
}

// FindExtensionByName implements [transcode.Resolver].
func (r resolver) FindExtensionByName(name protoreflect.FullName) (protoreflect.ExtensionType, error) {
	found, err := r.own.FindExtensionByName(name)
	if errors.Is(err, protoregistry.NotFound) {
		return r.others.FindExtensionByName(name)
	}
	return found, err
}

// FindExtensionByNumber implements [transcode.Resolver].
func (r resolver) FindExtensionByNumber(message protoreflect.FullName, number protoreflect.FieldNumber) (protoreflect.ExtensionType, error) {
	found, err := r.own.FindExtensionByNumber(message, number)
	if errors.Is(err, protoregistry.NotFound) {
		return r.others.FindExtensionByNumber(message, number)
	}
	return found, err
}
