package main

import (
	"errors"
	"fmt"
	"strings"

	"google.golang.org/protobuf/compiler/protogen"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// problems gathers what is wrong with the .proto files, so that all of it is
// reported at once.
type problems struct {
	lines []string
}

// add notes a problem of what stands at the path in the file.
func (p *problems) add(file *protogen.File, path protoreflect.SourcePath, format string, args ...any) {
	p.lines = append(p.lines, position(file, path)+": "+fmt.Sprintf(format, args...))
}

func (p *problems) err() error {
	if len(p.lines) == 0 {
		return nil
	}
	return errors.New(strings.Join(p.lines, "\n"))
}

// position is "path/file.proto:12:3" for what stands at the path, or for the
// innermost part around it whose position is known: compilers differ in how
// deep into an option's value they note positions. Without any, as in
// descriptors that were made without source information, it is the file's path.
func position(file *protogen.File, path protoreflect.SourcePath) string {
	locations := file.Desc.SourceLocations()
	for end := len(path); end > 0; end-- {
		if at := locations.ByPath(path[:end]); at.Path != nil {
			return fmt.Sprintf("%s:%d:%d", file.Desc.Path(), at.StartLine+1, at.StartColumn+1)
		}
	}
	return file.Desc.Path()
}

// within is the path of a part of what stands at the location.
func within(location protogen.Location, numbers ...protoreflect.FieldNumber) protoreflect.SourcePath {
	path := append(protoreflect.SourcePath(nil), location.Path...)
	for _, number := range numbers {
		path = append(path, int32(number))
	}
	return path
}
