package e2e_test

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"testing"
	"time"

	"github.com/mqrpc/mqrpc/runtime"
	"github.com/mqrpc/mqrpc/runtime/rabbitmq"
)

// The environment of a worker process: this test binary, run again.
const (
	workerURL    = "MQRPC_E2E_WORKER_URL"
	workerModule = "MQRPC_E2E_WORKER_MODULE"
)

// runAsWorker serves until it is killed, when the environment says so. Its
// handlers of Sleep and Hold never return.
func runAsWorker() bool {
	url := os.Getenv(workerURL)
	if url == "" {
		return false
	}
	transport, err := rabbitmq.Connect(rabbitmq.Config{URLs: []string{url}, Logger: quiet()})
	if err != nil {
		panic(err)
	}
	server := newEchoServer("victim")
	worker := runtime.NewWorker(transport, runtime.WorkerConfig{Logger: quiet()})
	stuck := newEchoServiceIn(os.Getenv(workerModule))
	worker.Register(stuck.service, runtime.Handle(stuck.sleep, server.hold), runtime.Handle(stuck.hold, server.hold))
	go func() {
		<-worker.Ready()
		fmt.Fprintln(os.Stdout, "ready")
		for text := range server.started {
			fmt.Fprintln(os.Stdout, "started", text)
		}
	}()
	if err := worker.Run(context.Background()); err != nil {
		panic(err)
	}
	return true
}

// workerProcess is a worker in a process of its own, to be killed.
type workerProcess struct {
	t       *testing.T
	command *exec.Cmd
	lines   chan string
}

func startWorkerProcess(t *testing.T, url string, echo *echoService) *workerProcess {
	t.Helper()
	p := &workerProcess{t: t, command: exec.Command(os.Args[0]), lines: make(chan string, 100)}
	p.command.Env = append(os.Environ(), workerURL+"="+url, workerModule+"="+echo.service.Module)
	p.command.Stderr = os.Stderr
	out, err := p.command.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := p.command.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		defer close(p.lines)
		for scanner := bufio.NewScanner(out); scanner.Scan(); {
			p.lines <- scanner.Text()
		}
	}()
	t.Cleanup(p.kill)
	p.expect("ready")
	return p
}

func (p *workerProcess) expect(want string) {
	p.t.Helper()
	select {
	case line, ok := <-p.lines:
		if !ok || line != want {
			p.t.Fatalf("the worker process says %q, want %q", line, want)
		}
	case <-time.After(20 * time.Second):
		p.t.Fatalf("the worker process has not said %q after 20 s", want)
	}
}

// kill ends the process with SIGKILL.
func (p *workerProcess) kill() {
	if p.command.ProcessState == nil {
		_ = p.command.Process.Kill() // it may have ended
		_ = p.command.Wait()         // "signal: killed"
	}
}

func cleanUp(code int) {
	closeBrokers()
	os.Exit(code)
}

var closeBrokers = func() {}
