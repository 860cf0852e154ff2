package transcode_test

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/bufbuild/protocompile"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/types/descriptorpb"
	"google.golang.org/protobuf/types/dynamicpb"

	"github.com/mqrpc/mqrpc/transcode"
)

// contracts are the messages that the differential tests convert: all of
// testdata/contracts, and the types of their Anys and extensions.
type contracts struct {
	files *protoregistry.Files
	types *dynamicpb.Types
}

// comparedMessages are those whose conversions are compared. New ones go at the
// end: committed fuzz inputs choose by index.
var comparedMessages = []protoreflect.FullName{
	"transcode.contracts.Scalars",
	"transcode.contracts.Lists",
	"transcode.contracts.Maps",
	"transcode.contracts.Choices",
	"transcode.contracts.WellKnown",
	"transcode.contracts.Names",
	"transcode.contracts.Tree",
	"transcode.contracts.Nothing",
	"transcode.contracts.Legacy",
	"transcode.contracts.Demanding",
	"transcode.contracts.Edition",
	"transcode.contracts.Strict",
	// Well-known types stand alone, too: a method may return one.
	"google.protobuf.Any",
	"google.protobuf.Timestamp",
	"google.protobuf.Duration",
	"google.protobuf.FieldMask",
	"google.protobuf.Struct",
	"google.protobuf.Value",
	"google.protobuf.ListValue",
	"google.protobuf.Empty",
	"google.protobuf.DoubleValue",
	"google.protobuf.Int64Value",
	"google.protobuf.StringValue",
	"google.protobuf.BytesValue",
	"transcode.contracts.Chosen",
}

var loadContracts = sync.OnceValues(func() (contracts, error) {
	paths, err := filepath.Glob("testdata/contracts/*.proto")
	if err != nil {
		return contracts{}, err
	}
	sources := map[string]string{}
	names := make([]string, 0, len(paths))
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if err != nil {
			return contracts{}, err
		}
		names = append(names, filepath.Base(path))
		sources[filepath.Base(path)] = string(text)
	}
	compiler := protocompile.Compiler{Resolver: protocompile.WithStandardImports(&protocompile.SourceResolver{
		Accessor: protocompile.SourceAccessorFromMap(sources),
	})}
	linked, err := compiler.Compile(context.Background(), names...)
	if err != nil {
		return contracts{}, err
	}
	// Through the descriptor messages, as contracts come in production.
	var set descriptorpb.FileDescriptorSet
	seen := map[string]bool{}
	var add func(file protoreflect.FileDescriptor)
	add = func(file protoreflect.FileDescriptor) {
		if seen[file.Path()] {
			return
		}
		seen[file.Path()] = true
		imports := file.Imports()
		for i := range imports.Len() {
			add(imports.Get(i))
		}
		set.File = append(set.File, protodesc.ToFileDescriptorProto(file))
	}
	for _, file := range linked {
		add(file)
	}
	files, err := protodesc.NewFiles(&set)
	if err != nil {
		return contracts{}, err
	}
	return contracts{files: files, types: dynamicpb.NewTypes(files)}, nil
})

func testContracts(t testing.TB) contracts {
	t.Helper()
	loaded, err := loadContracts()
	if err != nil {
		t.Fatal(err)
	}
	return loaded
}

func (c contracts) descriptor(t testing.TB, name protoreflect.FullName) protoreflect.MessageDescriptor {
	t.Helper()
	found, err := c.files.FindDescriptorByName(name)
	if err != nil {
		t.Fatal(err)
	}
	return found.(protoreflect.MessageDescriptor)
}

// converter is a message under comparison, with the options of one input.
type converter struct {
	*transcode.Message

	options transcode.Options
}

// converterKey is what chooses a converter: an index and the bits of options.
type converterKey struct{ message, options byte }

var (
	convertersMu sync.Mutex
	converters   = map[converterKey]converter{}
)

// shallowDepth is the limit that one bit of the options sets, low enough for
// random inputs to cross it.
const shallowDepth = 6

// converterFor makes the converter that two bytes of a fuzz input choose. A
// Message is made for ever, so each is made once.
func converterFor(t testing.TB, message, options byte) converter {
	t.Helper()
	key := converterKey{message % byte(len(comparedMessages)), options & 31}
	convertersMu.Lock()
	defer convertersMu.Unlock()
	if made, ok := converters[key]; ok {
		return made
	}
	loaded := testContracts(t)
	chosen := transcode.Options{
		DiscardUnknown:  options&1 != 0,
		EmitUnpopulated: options&2 != 0,
		UseProtoNames:   options&4 != 0,
		UseEnumNumbers:  options&8 != 0,
		Resolver:        loaded.types,
	}
	if options&16 != 0 {
		chosen.MaxDepth = shallowDepth
	}
	made, err := transcode.New(loaded.descriptor(t, comparedMessages[key.message]), chosen)
	if err != nil {
		t.Fatal(err)
	}
	converters[key] = converter{Message: made, options: chosen}
	return converters[key]
}

// indexOf is the byte that chooses a message by the last part of its name.
func indexOf(t testing.TB, name string) byte {
	t.Helper()
	for i, full := range comparedMessages {
		if strings.HasSuffix(string(full), "."+name) {
			return byte(i)
		}
	}
	t.Fatalf("no message %s is compared", name)
	return 0
}
