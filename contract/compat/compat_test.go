package compat_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/bufbuild/protocompile"
	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"

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
		t.Fatalf("compile: %v\n%.1000s", err, source)
	}
	// Contracts are linked by protobuf's linker, which finds fields at once.
	linked, err := protodesc.NewFile(protodesc.ToFileDescriptorProto(files[0]), protoregistry.GlobalFiles)
	if err != nil {
		t.Fatal(err)
	}
	var found []protoreflect.ServiceDescriptor
	for i := range linked.Services().Len() {
		found = append(found, linked.Services().Get(i))
	}
	return found
}

// TestCheckIsLinear compares contracts for which looking at every pair of fields
// or values takes minutes.
func TestCheckIsLinear(t *testing.T) {
	const many = 18_000 // below the numbers that protobuf keeps for itself
	repeat := func(format string) string {
		var text strings.Builder
		for i := range many {
			_, _ = fmt.Fprintf(&text, strings.ReplaceAll(format, "#", "%[1]d"), i+1)
		}
		return text.String()
	}
	for name, source := range map[string]string{
		"oneof": "message Req { oneof o { " + repeat("bool f# = #;") + " } }",
		"enum":  "message Req { %s " + repeat("E f# = #;") + " } %s",
	} {
		t.Run(name, func(t *testing.T) {
			before, after := source, source
			if name == "enum" { // it has moved
				enum := "enum E { V0 = 0; " + repeat("V# = #;") + " }"
				before, after = fmt.Sprintf(source, enum, ""), fmt.Sprintf(source, "", enum)
			}
			old, now := services(t, before), services(t, after)
			start := time.Now()
			if breaks := compat.Check(old, now); len(breaks) > 0 {
				t.Errorf("breaks:\n%s", compat.Lines(breaks))
			}
			if took := time.Since(start); took > 30*time.Second {
				t.Errorf("it took %s", took)
			}
		})
	}
}

// TestBreaking: warnings are no reason to refuse.

// TestBreaking: warnings are no reason to refuse.
func TestBreaking(t *testing.T) {
	warning, serious := compat.Break{Rule: compat.MethodIdempotencyWeakened, Warning: true}, compat.Break{Rule: compat.FieldRemoved}
	if got := compat.Breaking([]compat.Break{warning, serious}); !slices.Equal(got, []compat.Break{serious}) {
		t.Errorf("got %v", got)
	}
	if got := compat.Breaking([]compat.Break{warning}); len(got) != 0 {
		t.Errorf("got %v", got)
	}
}
