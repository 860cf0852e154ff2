package contract

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/descriptorpb"

	mqrpcv1 "github.com/mqrpc/mqrpc/proto/mqrpc/v1"
)

// Split finds the APIs that files declare, in the order of [Key.Compare], and
// gives each the files that its services need: their own and all imports, every
// file after those that it imports, without source information. The files may
// be any image: in any order, with any compiler's kind of options. The APIs
// have neither sequence nor policy.
//
// It ends with an error when ctx does. Any other error says what is wrong: there
// is no mqrpc service in them, an import is missing or goes round in circles, or
// [Link] refuses an API.
func Split(ctx context.Context, files *descriptorpb.FileDescriptorSet) ([]*mqrpcv1.Api, error) {
	image, err := newImage(files)
	if err != nil {
		return nil, err
	}
	for _, file := range image.byName {
		file.SourceCodeInfo = nil
	}
	apis := make([]*mqrpcv1.Api, 0, len(image.roots))
	for _, key := range image.keys() {
		set, err := image.files(key)
		if err != nil {
			return nil, err
		}
		linked, err := Link(ctx, key, set)
		if err != nil {
			return nil, err
		}
		apis = append(apis, &mqrpcv1.Api{Module: key.Module, Version: key.Version, Revision: linked.Revision, Files: set})
	}
	return apis, nil
}

// Find links the contract of one API in files, as [Split] would find it, and
// keeps the comments if the files have them.
func Find(ctx context.Context, key Key, files *descriptorpb.FileDescriptorSet) (*Contract, error) {
	image, err := newImage(files)
	if err != nil {
		return nil, err
	}
	if image.roots[key] == nil {
		var others []string
		for _, other := range image.keys() {
			others = append(others, other.String())
		}
		return nil, fmt.Errorf("the files declare no %s; they declare %s", key, strings.Join(others, ", "))
	}
	set, err := image.files(key)
	if err != nil {
		return nil, err
	}
	return Link(ctx, key, set)
}

// image is a set of files in any order.
type image struct {
	byName map[string]*descriptorpb.FileDescriptorProto
	roots  map[Key][]string // the files with the services of each API
}

func newImage(files *descriptorpb.FileDescriptorSet) (*image, error) {
	files, err := reparse(files)
	if err != nil {
		return nil, err
	}
	i := &image{
		byName: make(map[string]*descriptorpb.FileDescriptorProto, len(files.GetFile())),
		roots:  make(map[Key][]string),
	}
	for _, file := range files.GetFile() {
		name := file.GetName()
		if i.byName[name] != nil {
			return nil, fmt.Errorf("the file %q is there twice", clip(name))
		}
		i.byName[name] = file
		for _, service := range file.GetService() {
			if key, ok := serviceKey(service.GetOptions()); ok {
				i.roots[key] = append(i.roots[key], name)
			}
		}
	}
	if len(i.roots) == 0 {
		return nil, fmt.Errorf("none of the %d files has a service with the option (mqrpc.v1.service)", len(i.byName))
	}
	return i, nil
}

// reparse copies files so that their options are what this process takes them
// for, whoever compiled them.
func reparse(files *descriptorpb.FileDescriptorSet) (*descriptorpb.FileDescriptorSet, error) {
	encoded, err := proto.Marshal(files)
	if err != nil {
		return nil, err
	}
	copied := &descriptorpb.FileDescriptorSet{}
	return copied, proto.Unmarshal(encoded, copied)
}

// keys are those of the APIs in the files.
func (i *image) keys() []Key { return slices.SortedFunc(maps.Keys(i.roots), Key.Compare) }

// files are those that an API's services need, each after its imports.
func (i *image) files(key Key) (*descriptorpb.FileDescriptorSet, error) {
	o := ordering{byName: i.byName, state: make(map[string]visit)}
	for _, name := range slices.Sorted(slices.Values(i.roots[key])) {
		if o.state[name] == visited {
			continue
		}
		if err := o.add(name); err != nil {
			return nil, fmt.Errorf("%s: %w", key, err)
		}
	}
	return &descriptorpb.FileDescriptorSet{File: o.ordered}, nil
}

// ordering puts files after their imports.
type ordering struct {
	byName  map[string]*descriptorpb.FileDescriptorProto
	state   map[string]visit
	ordered []*descriptorpb.FileDescriptorProto
}

type visit int

const (
	visiting visit = iota + 1
	visited
)

// add adds a file that is there, after all that it imports.
func (o *ordering) add(name string) error {
	o.state[name] = visiting
	file := o.byName[name]
	for _, dependency := range file.GetDependency() {
		switch {
		case o.byName[dependency] == nil:
			return fmt.Errorf("%q imports %q, which is missing", clip(name), clip(dependency))
		case o.state[dependency] == visiting:
			return fmt.Errorf("%q imports %q, which imports it, perhaps by way of others", clip(name), clip(dependency))
		case o.state[dependency] == visited:
			continue
		}
		if err := o.add(dependency); err != nil {
			return err
		}
	}
	o.state[name] = visited
	o.ordered = append(o.ordered, file)
	return nil
}
