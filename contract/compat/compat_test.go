package compat_test

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/bufbuild/protocompile"
	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/mqrpc/mqrpc/contract/compat"
)

// header begins a case's contract unless it begins with its own syntax.
const header = `syntax = "proto3"; package p;
service S { rpc M(Req) returns (Res); }
message Res {}
`

// TestCases checks the cases in testdata. Each file has the old contract, the
// new one and the breaks, with a line of dashes in between.
func TestCases(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("no cases in testdata: %v", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			parts := strings.Split(string(text), "\n----------\n")
			if len(parts) != 3 {
				t.Fatalf("%s has %d parts, want the old contract, the new one and the breaks", file, len(parts))
			}
			breaks := compat.Check(services(t, parts[0]), services(t, parts[1]))
			if diff := cmp.Diff(strings.TrimSpace(parts[2]), compat.Lines(breaks)); diff != "" {
				t.Errorf("breaks (-want +got):\n%s", diff)
			}
			// Every contract is compatible with itself.
			for _, part := range parts[:2] {
				if breaks := compat.Check(services(t, part), services(t, part)); len(breaks) > 0 {
					t.Errorf("a contract breaks itself:\n%s", compat.Lines(breaks))
				}
			}
		})
	}
}

// services compiles a contract and returns its services.
func services(t *testing.T, source string) []protoreflect.ServiceDescriptor {
	t.Helper()
	if !strings.HasPrefix(strings.TrimSpace(source), "syntax") && !strings.HasPrefix(strings.TrimSpace(source), "edition") {
		source = header + source
	}
	compiler := protocompile.Compiler{Resolver: protocompile.WithStandardImports(&protocompile.SourceResolver{
		Accessor: protocompile.SourceAccessorFromMap(map[string]string{"p.proto": source}),
	})}
	files, err := compiler.Compile(context.Background(), "p.proto")
	if err != nil {
		t.Fatalf("compile: %v\n%s", err, source)
	}
	var found []protoreflect.ServiceDescriptor
	for i := range files[0].Services().Len() {
		found = append(found, files[0].Services().Get(i))
	}
	return found
}
