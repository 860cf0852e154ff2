package report

import (
	"regexp"
	"testing"
)

func TestThisMachine(t *testing.T) {
	if got, err := kernel(t.Context()); err != nil || !regexp.MustCompile(`^Linux \d+\.\d+$`).MatchString(got) {
		t.Errorf("the kernel is %q: %v", got, err)
	}
	if got, err := cpuModel(t.Context()); err != nil {
		t.Errorf("the processor is %q: %v", got, err)
	}
}
