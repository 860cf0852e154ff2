package cli

import (
	"flag"
	"os"
	"path/filepath"
	"testing"
)

// update makes the golden files what the program writes: go test -update.
func update() bool { return flag.Lookup("update").Value.String() == "true" }

func init() { flag.Bool("update", false, "rewrite the golden files") }

// checkGolden compares a text with the file testdata/<name>.txt.
func checkGolden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name+".txt")
	if update() {
		if err := os.MkdirAll(filepath.Dir(path), 0o750); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s: got\n%s\nwant\n%s", path, got, want)
	}
}
