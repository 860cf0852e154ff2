package contract_test

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/bufbuild/protocompile"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/descriptorpb"

	"github.com/mqrpc/mqrpc/contract"
	wxappv1 "github.com/mqrpc/mqrpc/examples/wxapp/proto/wxapp/v1"
	mqrpcv1 "github.com/mqrpc/mqrpc/proto/mqrpc/v1"
)

// compile compiles files with all that they import, as mqrpc api push does.
func compile(t *testing.T, importPaths []string, sources map[string]string, names ...string) *descriptorpb.FileDescriptorSet {
	t.Helper()
	resolver := protocompile.CompositeResolver{
		&protocompile.SourceResolver{Accessor: protocompile.SourceAccessorFromMap(sources)},
		&protocompile.SourceResolver{ImportPaths: importPaths},
	}
	compiler := protocompile.Compiler{Resolver: protocompile.WithStandardImports(resolver), SourceInfoMode: protocompile.SourceInfoStandard}
	compiled, err := compiler.Compile(context.Background(), names...)
	if err != nil {
		t.Fatal(err)
	}
	set := &descriptorpb.FileDescriptorSet{}
	seen := map[string]bool{}
	var add func(protoreflect.FileDescriptor)
	add = func(file protoreflect.FileDescriptor) {
		if seen[file.Path()] {
			return
		}
		seen[file.Path()] = true
		set.File = append(set.File, protodesc.ToFileDescriptorProto(file)) // before its imports: Split sorts
		for i := range file.Imports().Len() {
			add(file.Imports().Get(i).FileDescriptor)
		}
	}
	for _, file := range compiled {
		add(file)
	}
	return set
}

// linked is what a worker knows: the descriptors in its generated code.
func linked(file protoreflect.FileDescriptor) *descriptorpb.FileDescriptorSet {
	return contract.Collect(file)
}

func TestCollectServices(t *testing.T) {
	file := wxappv1.File_wxapp_v1_wxapp_proto
	got, err := contract.CollectServices(file.Services().Get(0).FullName())
	if err != nil || !proto.Equal(got, contract.Collect(file)) {
		t.Errorf("got %v, error %v", got, err)
	}
	if _, err := contract.CollectServices("no.Such"); err == nil || !strings.Contains(err.Error(), "the descriptor of service no.Such is not linked into the program") {
		t.Errorf("got error %v", err)
	}
}

// TestRevisionIsOneForAll pushes a contract from its .proto files and describes
// it from generated code.
func TestRevisionIsOneForAll(t *testing.T) {
	worker, err := contract.Split(t.Context(), linked(wxappv1.File_wxapp_v1_wxapp_proto))
	if err != nil {
		t.Fatal(err)
	}
	pushed, err := contract.Split(t.Context(), compile(t, []string{"../proto", "../examples/wxapp/proto"}, nil, "wxapp/v1/wxapp.proto"))
	if err != nil {
		t.Fatal(err)
	}
	if len(worker) != 1 || len(pushed) != 1 || worker[0].GetRevision() != pushed[0].GetRevision() {
		t.Fatalf("generated code has revision %s, the .proto files have %s", worker[0].GetRevision(), pushed[0].GetRevision())
	}
	if got := contract.Revision(linked(wxappv1.File_wxapp_v1_wxapp_proto)); got != worker[0].GetRevision() {
		t.Errorf("a worker announces %s, its files have %s", got, worker[0].GetRevision())
	}
}

func TestServices(t *testing.T) {
	apis, err := contract.Split(t.Context(), linked(wxappv1.File_wxapp_v1_wxapp_proto))
	if err != nil {
		t.Fatal(err)
	}
	c, err := contract.Link(t.Context(), contract.KeyOf(apis[0]), apis[0].GetFiles())
	if err != nil || len(c.Services) != 1 {
		t.Fatalf("got %v, error %v", c, err)
	}
	descriptor := wxappv1.File_wxapp_v1_wxapp_proto.Services().Get(0)
	service := c.Services[0]
	if service.FullName() != descriptor.FullName() || service.Key != contract.KeyOf(apis[0]) {
		t.Errorf("got service %+v", service)
	}
	for i, method := range service.Methods {
		want := descriptor.Methods().Get(i)
		if method.Address != string(service.Name()+"."+want.Name()) || method.Input().FullName() != want.Input().FullName() {
			t.Errorf("got method %+v", method)
		}
	}
}

const greeter = `syntax = "proto3"; package g;
import "mqrpc/v1/options.proto";
message M {}
`

func TestSplit(t *testing.T) {
	set := compile(t, []string{"../proto"}, map[string]string{
		"a.proto": greeter + `import "shared.proto";
			service A { option (mqrpc.v1.service) = { module: "a" version: "1" };
				rpc Slow(s.S) returns (M) { option (mqrpc.v1.method) = { timeout: { seconds: 2 } }; option idempotency_level = IDEMPOTENT; } }
			service B { option (mqrpc.v1.service) = { module: "b" version: "1" }; rpc Do(M) returns (M); }
			service Foreign { rpc Do(M) returns (M); }`,
		"b.proto":      strings.Replace(greeter, "package g", "package h", 1) + `service C { option (mqrpc.v1.service) = { module: "b" version: "1" }; rpc Do(M) returns (M); }`,
		"shared.proto": `syntax = "proto3"; package s; message S {}`,
		"unused.proto": `syntax = "proto3"; package u; message U {}`,
	}, "b.proto", "a.proto", "unused.proto")
	apis, err := contract.Split(t.Context(), set)
	if err != nil {
		t.Fatal(err)
	}
	if len(apis) != 2 || contract.KeyOf(apis[0]).String() != "a/1" || contract.KeyOf(apis[1]).String() != "b/1" {
		t.Fatalf("got %v", apis)
	}
	names := func(api *mqrpcv1.Api) string {
		var files []string
		for _, file := range api.GetFiles().GetFile() {
			if !strings.HasPrefix(file.GetName(), "google/") {
				files = append(files, file.GetName())
			}
			if file.GetSourceCodeInfo() != nil {
				t.Errorf("%s has source information", file.GetName())
			}
		}
		return strings.Join(files, " ")
	}
	if got := names(apis[0]); got != "mqrpc/v1/options.proto shared.proto a.proto" {
		t.Errorf("a has the files %s", got)
	}
	if got := names(apis[1]); got != "mqrpc/v1/options.proto shared.proto a.proto b.proto" {
		t.Errorf("b has the files %s", got)
	}
	c, err := contract.Link(t.Context(), contract.KeyOf(apis[0]), apis[0].GetFiles())
	if err != nil {
		t.Fatal(err)
	}
	if m := c.Services[0].Methods[0]; m.Timeout != 2*time.Second || m.Idempotency != descriptorpb.MethodOptions_IDEMPOTENT || m.Address != "A.Slow" {
		t.Errorf("got method %+v", m)
	}
	for _, api := range apis {
		if err := contract.Check(api.GetFiles()); err != nil {
			t.Error(err)
		}
	}
}

func TestSplitRefuses(t *testing.T) {
	for name, c := range map[string]struct{ body, says string }{
		"no service":    {"", "service"},
		"streaming":     {`service A { option (mqrpc.v1.service) = { module: "a" version: "1" }; rpc Do(M) returns (stream M); }`, "is a stream"},
		"invalid name":  {`service A { option (mqrpc.v1.service) = { module: "a b" version: "1" }; rpc Do(M) returns (M); }`, "module"},
		"no version":    {`service A { option (mqrpc.v1.service) = { module: "a" }; rpc Do(M) returns (M); }`, "version"},
		"wrong timeout": {`service A { option (mqrpc.v1.service) = { module: "a" version: "1" }; rpc Do(M) returns (M) { option (mqrpc.v1.method) = { timeout: { seconds: -1 } }; } }`, "timeout"},
	} {
		_, err := contract.Split(t.Context(), compile(t, []string{"../proto"}, map[string]string{"a.proto": greeter + c.body}, "a.proto"))
		if err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: got error %v, want one about %q", name, err, c.says)
		}
	}
	set := compile(t, []string{"../proto"}, map[string]string{
		"a.proto": greeter + `service A { option (mqrpc.v1.service) = { module: "a" version: "1" }; rpc Do(M) returns (M); }`}, "a.proto")
	set.File = slices.DeleteFunc(set.GetFile(), func(f *descriptorpb.FileDescriptorProto) bool { return f.GetName() == "mqrpc/v1/options.proto" })
	if _, err := contract.Split(t.Context(), set); err == nil || !strings.Contains(err.Error(), "missing") {
		t.Errorf("a missing import: got error %v", err)
	}
}

func TestRevisionSeesContent(t *testing.T) {
	files := linked(wxappv1.File_wxapp_v1_wxapp_proto)
	revision := contract.Revision(files)
	same := proto.CloneOf(files)
	slices.Reverse(same.GetFile())
	for _, file := range same.GetFile() {
		file.SourceCodeInfo = &descriptorpb.SourceCodeInfo{}
	}
	named := func(name string) *descriptorpb.FileDescriptorProto {
		return same.GetFile()[slices.IndexFunc(same.GetFile(), func(f *descriptorpb.FileDescriptorProto) bool { return f.GetName() == name })]
	}
	field := named("mqrpc/v1/options.proto").GetMessageType()[0].GetField()[0]
	if field.JsonName == nil {
		t.Fatalf("%s has no JSON name", field.GetName())
	}
	field.JsonName = nil
	// Another compiler's edition of descriptor.proto.
	own := named("google/protobuf/descriptor.proto")
	own.MessageType = append(own.MessageType, &descriptorpb.DescriptorProto{Name: proto.String("NewInProtoc99")})
	if got := contract.Revision(same); got != revision {
		t.Errorf("order, another descriptor.proto, source information or a default JSON name changes the revision")
	}
	field.JsonName = proto.String("other")
	if got := contract.Revision(same); got == revision {
		t.Errorf("another JSON name does not change the revision")
	}
}
