package cli

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"sync"
	"time"

	"github.com/mqrpc/mqrpc/runtime/rabbitmq"
	"github.com/mqrpc/mqrpc/runtime/transport"
)

// demoReadyTimeout is how long the demo waits for a worker process.
const demoReadyTimeout = 30 * time.Second

// processes is the demo's backend over RabbitMQ, with workers in processes of
// their own.
type processes struct {
	demo    *demo
	own     *rabbitmq.Transport
	workers []*workerProcess
}

// startProcesses connects to the broker.
func (d *demo) startProcesses() (demoBackend, error) {
	own, err := rabbitmq.Connect(rabbitmq.Config{URLs: []string{d.amqpURL}, Logger: d.logger})
	if err != nil {
		return nil, err
	}
	return &processes{demo: d, own: own}, nil
}

// startWorker starts a process.
func (b *processes) startWorker(ctx context.Context, version demoVersion) error {
	worker, err := b.demo.startProcess(version.name)
	if err != nil {
		return err
	}
	b.workers = append(b.workers, worker)
	return worker.awaitReady(ctx)
}

func (b *processes) transport() transport.Transport { return b.own }

// stop stops all workers at once.
func (b *processes) stop() error {
	for _, worker := range b.workers {
		_ = worker.stdin.Close() // It has ended by itself if this fails.
	}
	var errs []error
	for _, worker := range b.workers {
		errs = append(errs, worker.wait())
	}
	return errors.Join(append(errs, closeWithin(demoStopTimeout, b.own.Close))...)
}

// workerProcess is this program again, as one worker.
type workerProcess struct {
	version string
	command *exec.Cmd
	stdin   io.Closer
	ready   chan struct{} // closed when it serves
	ended   chan struct{} // closed when it has ended, with err set
	err     error
}

func (d *demo) startProcess(version string) (*workerProcess, error) {
	program, err := os.Executable()
	if err != nil {
		return nil, err
	}
	p := &workerProcess{version: version, ready: make(chan struct{}), ended: make(chan struct{})}
	p.command = exec.Command(program, demoWorkerCommand, version) //nolint:gosec,noctx // This program; it ends with its input.
	p.command.Env = append(os.Environ(), demoURLVariable+"="+d.amqpURL)
	stdin, err := p.command.StdinPipe()
	if err != nil {
		return nil, err
	}
	p.stdin = stdin
	stdout, err := p.command.StdoutPipe()
	if err != nil {
		return nil, err
	}
	stderr, err := p.command.StderrPipe()
	if err != nil {
		return nil, err
	}
	if err := p.command.Start(); err != nil {
		return nil, fmt.Errorf("worker %s could not be started: %w", version, err)
	}
	var readers sync.WaitGroup
	prefix := "[worker " + version + "] "
	readers.Go(func() { p.readOutput(stdout, d.out, prefix) })
	readers.Go(func() { copyLines(d.errOut, stderr, prefix) })
	go func() {
		defer close(p.ended)
		readers.Wait()
		p.err = p.command.Wait()
	}()
	return p, nil
}

// readOutput looks for the line that says that the worker serves.
func (p *workerProcess) readOutput(from io.Reader, to io.Writer, prefix string) {
	lines := bufio.NewReader(from)
	first, _ := lines.ReadString('\n')
	_, _ = fmt.Fprintf(to, "%s%s", prefix, first)
	if first == demoReady+"\n" {
		close(p.ready)
	}
	copyLines(to, lines, prefix)
}

// copyLines copies lines with a prefix, each by one write.
func copyLines(to io.Writer, from io.Reader, prefix string) {
	for lines := bufio.NewScanner(from); lines.Scan(); {
		_, _ = fmt.Fprintf(to, "%s%s\n", prefix, lines.Text())
	}
}

func (p *workerProcess) awaitReady(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, demoReadyTimeout)
	defer cancel()
	select {
	case <-p.ready:
		return nil
	case <-p.ended:
		return fmt.Errorf("worker %s has ended: %w", p.version, p.err)
	case <-ctx.Done():
		return fmt.Errorf("worker %s is not ready: is the broker at the URL of --amqp up? (%w)", p.version, ctx.Err())
	}
}

// wait waits for the end of a worker that was stopped, and kills one that takes
// too long.
func (p *workerProcess) wait() error {
	select {
	case <-p.ended:
	case <-time.After(2 * demoStopTimeout):
		_ = p.command.Process.Kill()
		<-p.ended
	}
	if p.err != nil {
		return fmt.Errorf("worker %s: %w", p.version, p.err)
	}
	return nil
}
