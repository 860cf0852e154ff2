package contract

import (
	"context"
	"fmt"
	"slices"

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
	apis, err := split(files)
	if err != nil {
		return nil, err
	}
	for _, api := range apis {
		if _, err := Link(ctx, KeyOf(api), api.GetFiles()); err != nil {
			return nil, err
		}
	}
	return apis, nil
}

func split(files *descriptorpb.FileDescriptorSet) ([]*mqrpcv1.Api, error) {
	plain, err := reparse(files)
	if err != nil {
		return nil, err
	}
	byName := make(map[string]*descriptorpb.FileDescriptorProto)
	roots := make(map[Key][]string)
	for _, file := range plain.GetFile() {
		if byName[file.GetName()] != nil {
			return nil, fmt.Errorf("the file %q is there twice", file.GetName())
		}
		byName[file.GetName()] = file
		for _, service := range file.GetService() {
			key, ok := serviceKey(service.GetOptions())
			if ok && !slices.Contains(roots[key], file.GetName()) {
				roots[key] = append(roots[key], file.GetName())
			}
		}
	}
	if len(roots) == 0 {
		return nil, fmt.Errorf("none of the %d files has a service with the option (mqrpc.v1.service)", len(byName))
	}
	var apis []*mqrpcv1.Api
	for key, names := range roots {
		if err := key.Check(); err != nil {
			return nil, fmt.Errorf("%s: %w", names[0], err)
		}
		slices.Sort(names)
		order := ordering{byName: byName, state: make(map[string]visit)}
		for _, name := range names {
			if err := order.add(name, ""); err != nil {
				return nil, err
			}
		}
		set := &descriptorpb.FileDescriptorSet{File: order.files}
		apis = append(apis, &mqrpcv1.Api{
			Module: key.Module, Version: key.Version, Revision: Revision(set), Files: set,
		})
	}
	slices.SortFunc(apis, func(a, b *mqrpcv1.Api) int { return KeyOf(a).Compare(KeyOf(b)) })
	return apis, nil
}

// reparse makes options what this process takes them for, whoever compiled
// them, and drops source information.
func reparse(files *descriptorpb.FileDescriptorSet) (*descriptorpb.FileDescriptorSet, error) {
	encoded, err := proto.MarshalOptions{Deterministic: true}.Marshal(files)
	if err != nil {
		return nil, err
	}
	plain := &descriptorpb.FileDescriptorSet{}
	if err := proto.Unmarshal(encoded, plain); err != nil {
		return nil, err
	}
	for _, file := range plain.GetFile() {
		file.SourceCodeInfo = nil
	}
	return plain, nil
}

// ordering puts files after their imports.
type ordering struct {
	byName map[string]*descriptorpb.FileDescriptorProto
	state  map[string]visit
	files  []*descriptorpb.FileDescriptorProto
}

type visit int

const (
	visiting visit = iota + 1
	visited
)

func (o *ordering) add(name, importer string) error {
	file := o.byName[name]
	switch {
	case file == nil:
		return fmt.Errorf("%q imports %q, which is missing", importer, name)
	case o.state[name] == visited:
		return nil
	case o.state[name] == visiting:
		return fmt.Errorf("%q imports itself", name)
	}
	o.state[name] = visiting
	for _, dependency := range file.GetDependency() {
		if err := o.add(dependency, name); err != nil {
			return err
		}
	}
	o.state[name] = visited
	o.files = append(o.files, file)
	return nil
}
