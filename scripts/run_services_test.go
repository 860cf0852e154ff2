//go:build services

package scripts

import (
	"path/filepath"
	"strings"
	"testing"
)

// What a run that was killed has left goes, though another process may have its
// pid by now; what a run that lives has stays.
func TestServicesSweepDeadRuns(t *testing.T) {
	dir := t.TempDir()
	output, err := run(t, []string{"MQRPC_SERVICES_DIR=" + dir}, `
source services.d/process.sh
alive=$1/run.$$.$(process_start_time $$)
mkdir "$alive" "$1/run.$$.1"
./services stop
[[ -d $alive ]] || die "the directory of a run that lives is gone"`, dir)
	if err != nil {
		t.Fatalf("%v\n%s", err, output)
	}
	left, err := filepath.Glob(filepath.Join(dir, "run.*"))
	if err != nil || len(left) != 1 {
		t.Errorf("left are %s (%v), want one directory", strings.Join(left, " "), err)
	}
}
