//go:build services

package scripts

import (
	"path/filepath"
	"testing"
)

// What a run that was killed has left goes, though another process may have its
// pid by now; what a run that lives has stays.
func TestServicesSweepDeadRuns(t *testing.T) {
	dir := t.TempDir()
	output, err := run(t, []string{"MQRPC_SERVICES_DIR=" + dir}, `
source services.d/process.sh
alive=$1/run.$$.$(process_start_time $$)
mkdir -p "$alive" "$1/run.$$.1/nodes/broker.1"
touch "$1/run.$$.1/nodes/broker.1/options.conf" # its start has failed
./services stop
[[ -d $alive ]] || die "the directory of a run that lives is gone"`, dir)
	if err != nil {
		t.Fatalf("%v\n%s", err, output)
	}
	left, err := filepath.Glob(filepath.Join(dir, "run.*"))
	if err != nil || len(left) != 1 {
		t.Errorf("left are %q (%v), want one directory", left, err)
	}
}
