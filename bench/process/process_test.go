package process

import (
	"context"
	"io"
	"net"
	"os"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"
)

// The test program is its own child, as the bench is.
func TestMain(m *testing.M) {
	switch os.Getenv("BENCH_TEST_CHILD") {
	case "":
		goleak.VerifyTestMain(m)
	case "echo":
		echo()
	case "deaf":
		deaf()
	case "dead":
	}
}

// echo is ready, and then prints what it reads.
func echo() {
	if Ready("here") != nil {
		os.Exit(1)
	}
	_, _ = io.Copy(os.Stdout, os.Stdin) // the parent sees whether it fails
}

// deaf ends by SIGTERM only, whatever its input does.
func deaf() {
	ctx, cancel := Stopped(context.Background())
	defer cancel()
	_ = Ready("")
	<-ctx.Done()
}

func child(t *testing.T, kind string) (*Child, string, error) {
	t.Helper()
	t.Setenv("BENCH_TEST_CHILD", kind)
	return StartSelf(t.Context())
}

func TestChild(t *testing.T) {
	c, address, err := child(t, "echo")
	if err != nil || address != "here" {
		t.Fatalf("the address is %q: %v", address, err)
	}
	want := map[string]string{"a": "b"}
	got := map[string]string{}
	if err := c.Send(want); err != nil {
		t.Fatal(err)
	}
	if err := c.Receive(t.Context(), &got); err != nil || got["a"] != "b" {
		t.Errorf("the child says %v: %v", got, err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
	defer cancel()
	if err := c.Receive(ctx, &got); err == nil || !strings.Contains(err.Error(), "silent") {
		t.Errorf("of a silent child the error is %v", err)
	}
	c.Stop()
	if err := syscall.Kill(c.Pid(), 0); err == nil {
		t.Error("the child is alive after Stop")
	}
	if err := c.Receive(t.Context(), &got); err == nil || !strings.Contains(err.Error(), "ended") {
		t.Errorf("of a stopped child the error is %v", err)
	}
}

func TestChildThatIgnoresItsInput(t *testing.T) {
	c, _, err := child(t, "deaf")
	if err != nil {
		t.Fatal(err)
	}
	c.Stop()
	if err := syscall.Kill(c.Pid(), 0); err == nil {
		t.Error("the child is alive after Stop")
	}
}

func TestChildThatEndsAtOnce(t *testing.T) {
	if _, _, err := child(t, "dead"); err == nil || !strings.Contains(err.Error(), "not ready") {
		t.Errorf("the error is %v", err)
	}
}

// TestCPUTime holds the clock of this process to what getrusage counts for it.
func TestCPUTime(t *testing.T) {
	before, err := CPUTime(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	rusage := used(t)
	for used(t)-rusage < 50*time.Millisecond {
		runtime.Gosched() // work
	}
	after, err := CPUTime(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	clock, rusage := after-before, used(t)-rusage
	if (clock - rusage).Abs() > 20*time.Millisecond {
		t.Errorf("%v by the clock, %v by getrusage", clock, rusage)
	}
	if used, err := CPUTime(1 << 21); err == nil {
		t.Errorf("a process that there is not has used %v", used)
	}
}

func used(t *testing.T) time.Duration {
	t.Helper()
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		t.Fatal(err)
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}

func TestListener(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	port := listener.Addr().(*net.TCPAddr).Port
	if pid, err := Listener(port); pid != os.Getpid() || err != nil {
		t.Errorf("on this process's port listens %d: %v", pid, err)
	}
	if name, err := Name(os.Getpid()); name != "process.test" || err != nil {
		t.Errorf("this process is %q: %v", name, err)
	}
	listener.Close()
	if pid, err := Listener(port); err == nil {
		t.Errorf("on a closed port listens %d", pid)
	}
}
