//go:build services

package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestProtoc runs the plugin under the real protoc and compares with the same
// golden files. Editions are left to buf: the distribution's protoc may be older
// than they are.
func TestProtoc(t *testing.T) {
	protoc := protocCommand(t)
	for _, file := range []string{
		"golden/proto2/proto2.proto",
		"golden/proto3/proto3.proto",
		"golden/comments/comments.proto",
		"golden/imported/imported.proto",
		"golden/policy/policy.proto",
	} {
		t.Run(file, func(t *testing.T) {
			out := t.TempDir()
			if output, err := protoc(out, file); err != nil {
				t.Fatalf("%v\n%s", err, output)
			}
			generated := strings.TrimSuffix(file, ".proto") + ".mqrpc.go"
			content, err := os.ReadFile(filepath.Join(out, generated))
			if err != nil {
				t.Fatal(err)
			}
			compareGolden(t, generated, withoutCompiler(string(content)))
		})
	}
}

// TestProtocGeneratesNothing runs protoc on a file without mqrpc services.
func TestProtocGeneratesNothing(t *testing.T) {
	out := t.TempDir()
	if output, err := protocCommand(t)(out, "golden/plain/plain.proto"); err != nil {
		t.Fatalf("%v\n%s", err, output)
	}
	entries, err := os.ReadDir(out)
	if err != nil {
		t.Fatal(err)
	}
	if len(entries) > 0 {
		t.Errorf("%q was generated", entries[0].Name())
	}
}

// TestProtocShowsErrors has errors shown with positions as protoc knows them:
// it notes those of whole options only, where buf knows the fields inside.
func TestProtocShowsErrors(t *testing.T) {
	output, err := protocCommand(t)(t.TempDir(), "failure/missing/missing.proto")
	if err == nil {
		t.Fatal("protoc reports success")
	}
	want := `--mqrpc_out: failure/missing/missing.proto:10:3: service Nothing: the module is missing
failure/missing/missing.proto:10:3: service Nothing: the version is missing
failure/missing/missing.proto:16:3: service NoModule: the module is missing
failure/missing/missing.proto:22:3: service NoVersion: the version is missing
`
	if diff := cmp.Diff(want, output); diff != "" {
		t.Errorf("protoc's output differs (-want +got):\n%s", diff)
	}
}

// protocCommand builds the plugin and returns a function that runs protoc with
// it.
func protocCommand(t *testing.T) func(out, file string) (output string, err error) {
	t.Helper()
	protoc, err := exec.LookPath("protoc")
	if err != nil {
		t.Fatalf("protoc is missing; run make test, which installs it: %v", err)
	}
	plugin := filepath.Join(t.TempDir(), "protoc-gen-mqrpc")
	if output, err := exec.Command("go", "build", "-o", plugin, ".").CombinedOutput(); err != nil {
		t.Fatalf("cannot build the plugin: %v\n%s", err, output)
	}
	return func(out, file string) (string, error) {
		command := exec.Command(protoc, "--plugin="+plugin, "-Itestdata", "-I../../proto",
			"--mqrpc_out="+out, "--mqrpc_opt=module="+modulePath, file)
		output, err := command.CombinedOutput()
		return string(output), err
	}
}

var compilerLine = regexp.MustCompile(`(?m)^// - protoc           v\d.*$`)

// withoutCompiler is generated code as it is when the compiler is unknown.
func withoutCompiler(content string) string {
	return compilerLine.ReplaceAllString(content, "// - protoc           (unknown)")
}
