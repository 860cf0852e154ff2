package report

import (
	"os"
	"path/filepath"
	"regexp"
	"testing"
)

func TestKernel(t *testing.T) {
	if got := kernel(); !regexp.MustCompile(`^Linux \d+\.\d+$`).MatchString(got) {
		t.Errorf("the kernel is %q", got)
	}
}

func TestFirstOf(t *testing.T) {
	path := filepath.Join(t.TempDir(), "cpuinfo")
	if err := os.WriteFile(path, []byte("processor\t: 0\nmodel name\t: A: CPU\nmodel name\t: B\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for key, want := range map[string]string{"model name": "A: CPU", "flags": "unknown"} {
		if got := firstOf(path, key); got != want {
			t.Errorf("%s is %q, not %q", key, got, want)
		}
	}
	if got := firstOf(path+".none", "flags"); got != "unknown" {
		t.Errorf("of a file that there is not: %q", got)
	}
}
