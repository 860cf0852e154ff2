// Package servicescript runs scripts/services for the packages that give tests
// their servers.
package servicescript

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"time"
)

const (
	// dirVariable says where scripts/services keeps its files; under "run" it
	// is a directory that is swept at the end of the run.
	dirVariable = "MQRPC_SERVICES_DIR"

	// scriptTimeout bounds one call of the script: more than it allows a
	// broker to start or stop.
	scriptTimeout = 2 * time.Minute
)

// repoRoot returns the top of the source tree.
func repoRoot() (string, error) {
	_, file, _, ok := runtime.Caller(0)
	if !ok {
		return "", errors.New("servicescript: the source's location is unknown")
	}
	root := filepath.Dir(filepath.Dir(filepath.Dir(file)))
	if _, err := os.Stat(filepath.Join(root, "scripts", "services")); err != nil {
		return "", fmt.Errorf("servicescript: run the tests from the source tree, without -trimpath: %w", err)
	}
	return root, nil
}

// NewDir makes an empty directory for a private server's files. Its name begins
// with the prefix.
func NewDir(prefix string) (string, error) {
	state := os.Getenv(dirVariable)
	if state == "" {
		root, err := repoRoot()
		if err != nil {
			return "", err
		}
		state = filepath.Join(root, ".services")
	}
	nodes := filepath.Join(state, "nodes")
	if err := os.MkdirAll(nodes, 0o755); err != nil { //nolint:gosec // servers run by another user enter it
		return "", err
	}
	return os.MkdirTemp(nodes, prefix+".")
}

// Node runs "scripts/services node ARGS..." and returns what it prints. It takes
// two minutes at most. An error holds all output.
func Node(args ...string) (string, error) {
	root, err := repoRoot()
	if err != nil {
		return "", err
	}
	ctx, cancel := context.WithTimeout(context.Background(), scriptTimeout)
	defer cancel()
	args = append([]string{"node"}, args...)
	cmd := exec.CommandContext(ctx, filepath.Join(root, "scripts", "services"), args...) //nolint:gosec // tests say what to run
	cmd.WaitDelay = time.Second
	var stdout, stderr strings.Builder
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		return "", fmt.Errorf("scripts/services %s: %w\n%s%s",
			strings.Join(args, " "), err, stdout.String(), stderr.String())
	}
	return stdout.String(), nil
}
