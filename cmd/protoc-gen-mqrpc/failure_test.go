package main

import (
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/types/descriptorpb"
)

// TestFailures has each folder of testdata/failure refused with the text of its
// error.txt. Files in a folder "imported" are part of the request without being
// generated.
func TestFailures(t *testing.T) {
	all := loadImage(t)
	for _, name := range cases(t, "failure") {
		t.Run(name, func(t *testing.T) {
			folder := path.Join("failure", name)
			response := respond(all.request(t, "", toGenerate(all, folder)...), develVersion)
			if len(response.GetFile()) > 0 {
				t.Errorf("files are generated in spite of the error: %q", generatedNames(response))
			}
			compareError(t, folder, response.GetError()+"\n")
		})
	}
}

func toGenerate(all image, folder string) []string {
	return slices.DeleteFunc(all.under(folder), func(name string) bool {
		return strings.Contains(name, "/imported/")
	})
}

func compareError(t *testing.T, folder, got string) {
	t.Helper()
	expected := filepath.Join("testdata", folder, "error.txt")
	if *update {
		writeFile(t, expected, got)
	}
	want, err := os.ReadFile(expected)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("the error differs from %s (-want +got):\n%s", expected, diff)
	}
}

// TestClashWithGenerated reports a clash in the file that is generated, even
// when it comes first because the other imports it.
func TestClashWithGenerated(t *testing.T) {
	all := loadImage(t)
	request := all.request(t, "",
		"failure/clash_imported/imported/imported.proto", "failure/clash_imported/clash_imported.proto")
	got := respond(request, develVersion).GetError()
	if !strings.HasPrefix(got, "failure/clash_imported/clash_imported.proto:") {
		t.Errorf("the clash is reported as %q, want it at the later file", got)
	}
	request = all.request(t, "", "failure/clash_imported/imported/imported.proto")
	if got := respond(request, develVersion).GetError(); got != "" {
		t.Errorf("the imported file alone gives the error %q", got)
	}
}

// TestPositionWithoutSourceInfo still names the file when descriptors were made
// without source information.
func TestPositionWithoutSourceInfo(t *testing.T) {
	request := loadImage(t).request(t, "", "failure/missing/missing.proto")
	for _, file := range request.GetProtoFile() {
		file.SourceCodeInfo = nil
	}
	got, _, _ := strings.Cut(respond(request, develVersion).GetError(), "\n")
	if want := "failure/missing/missing.proto: service Nothing: the module is missing"; got != want {
		t.Errorf("the error begins %q, want %q", got, want)
	}
}

// TestPositionOfProtoc falls back to the option's own position: protoc, unlike
// buf, knows none for the fields inside an option's value.
func TestPositionOfProtoc(t *testing.T) {
	request := loadImage(t).request(t, "", "failure/invalid/invalid.proto")
	for _, file := range request.GetProtoFile() {
		info := file.GetSourceCodeInfo()
		info.Location = slices.DeleteFunc(info.Location, func(location *descriptorpb.SourceCodeInfo_Location) bool {
			const insideServiceOption = 5 // service, index, options, extension, field
			return len(location.GetPath()) >= insideServiceOption && location.GetPath()[0] == 6 && location.GetPath()[2] == 3
		})
	}
	got := respond(request, develVersion).GetError()
	if want := "failure/invalid/invalid.proto:10:10: service Spaces: "; !strings.HasPrefix(got, want) {
		t.Errorf("the error is %q, want it to begin %q", got, want)
	}
}
