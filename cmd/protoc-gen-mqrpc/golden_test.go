package main

import (
	"flag"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/types/pluginpb"
)

var update = flag.Bool("update", false, "write what is generated to testdata instead of comparing")

// TestGolden generates each folder of testdata/golden in one request and
// compares with the files that are committed beside the contracts.
func TestGolden(t *testing.T) {
	all := loadImage(t)
	for _, name := range cases(t, "golden") {
		t.Run(name, func(t *testing.T) {
			folder := path.Join("golden", name)
			request := all.request(t, "module="+modulePath, all.under(folder)...)
			response := respond(request, develVersion)
			if response.Error != nil {
				t.Fatal(response.GetError())
			}
			if *update {
				writeGolden(t, response)
			}
			if want := goldenFiles(t, folder); !slices.Equal(generatedNames(response), want) {
				t.Errorf("generated the files %q, want %q", generatedNames(response), want)
			}
			for _, file := range response.GetFile() {
				compareGolden(t, file.GetName(), file.GetContent())
			}
		})
	}
}

// TestGoldenTogether generates all of testdata/golden in one request: no file's
// code depends on which others are generated with it.
func TestGoldenTogether(t *testing.T) {
	all := loadImage(t)
	response := respond(all.request(t, "module="+modulePath, all.under("golden")...), develVersion)
	if response.Error != nil {
		t.Fatal(response.GetError())
	}
	for _, file := range response.GetFile() {
		compareGolden(t, file.GetName(), file.GetContent())
	}
}

// goldenFiles lists the committed files of a folder that the plugin has
// generated.
func goldenFiles(t *testing.T, folder string) []string {
	t.Helper()
	var names []string
	err := fs.WalkDir(os.DirFS("testdata"), folder, func(name string, _ fs.DirEntry, err error) error {
		if strings.HasSuffix(name, ".mqrpc.go") {
			names = append(names, name)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(names)
	return names
}

func compareGolden(t *testing.T, name, got string) {
	t.Helper()
	want, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Error(err)
		return
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s differs from what is committed (-want +got); if that is meant, run go test with -update:\n%s", name, diff)
	}
}

func writeGolden(t *testing.T, response *pluginpb.CodeGeneratorResponse) {
	t.Helper()
	for _, file := range response.GetFile() {
		writeFile(t, filepath.Join("testdata", file.GetName()), file.GetContent())
	}
}

func writeFile(t *testing.T, name, content string) {
	t.Helper()
	if err := os.WriteFile(name, []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
}
