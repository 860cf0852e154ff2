//go:build services

package wxapp_test

import (
	"bufio"
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/mqrpc/mqrpc/internal/testbroker"
)

// TestExample runs the example's programs as its README does.
func TestExample(t *testing.T) {
	programs := t.TempDir()
	build := exec.Command("go", "build", "-o", programs+string(filepath.Separator), "./worker-1.0", "./worker-1.1", "./client")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	environment := append(os.Environ(), "AMQP_URL="+testbroker.Shared(t), "WXAPP_SECRET=")
	for _, name := range []string{"worker-1.0", "worker-1.1"} {
		startWorker(t, filepath.Join(programs, name), environment)
	}
	client := exec.Command(filepath.Join(programs, "client"))
	client.Env = environment
	got, err := client.Output()
	if err != nil {
		t.Fatal(err)
	}
	want, err := os.ReadFile("testdata/client.txt")
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("the client printed\n%s\nwant\n%s", got, want)
	}
	readme, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(readme), "```\n"+string(want)+"```\n") {
		t.Error("README.md shows another output")
	}
}

// startWorker starts a worker and waits until it serves. It is stopped
// gracefully at the end of the test.
func startWorker(t *testing.T, program string, environment []string) {
	t.Helper()
	worker := exec.Command(program)
	worker.Env = environment
	stderr, err := worker.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := worker.Start(); err != nil {
		t.Fatal(err)
	}
	ready, drained := make(chan struct{}), make(chan struct{})
	var log strings.Builder
	go func() {
		defer close(drained)
		for lines := bufio.NewScanner(stderr); lines.Scan(); {
			log.WriteString(lines.Text() + "\n")
			if strings.Contains(lines.Text(), "the worker is ready") {
				close(ready)
			}
		}
	}()
	t.Cleanup(func() {
		_ = worker.Process.Signal(syscall.SIGTERM)
		<-drained
		if err := worker.Wait(); err != nil {
			t.Errorf("%s did not stop gracefully: %v\n%s", program, err, log.String())
		}
	})
	select {
	case <-ready:
	case <-drained:
		t.Fatalf("%s has ended", program)
	case <-time.After(20 * time.Second):
		t.Fatalf("%s is not ready", program)
	}
}
