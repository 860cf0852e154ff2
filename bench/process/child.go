package process

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"time"
)

const (
	readyTimeout = 20 * time.Second // from a child's start to its ready line
	stopTimeout  = 5 * time.Second  // from the end of its input to its own
	maxLine      = 1 << 20          // of a child's output
)

// Child is a running process.
type Child struct {
	name  string
	cmd   *exec.Cmd
	input io.WriteCloser
	lines chan []byte   // what it prints; closed at its end
	ended chan struct{} // closed when it has ended
}

// Start starts a program. It is killed when this process dies. What it writes
// to standard error goes to this process's.
func Start(path string, args ...string) (*Child, error) {
	cmd := exec.Command(path, args...) //nolint:gosec,noctx // our own commands; Stop ends it
	cmd.Stderr = os.Stderr
	// A group of its own: Ctrl-C reaches this process alone, which then stops
	// the children in order.
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL, Setpgid: true}
	input, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	output, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	c := &Child{
		name:  strings.Join(append([]string{path}, args...), " "),
		cmd:   cmd,
		input: input,
		lines: make(chan []byte, 16),
		ended: make(chan struct{}),
	}
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("start %s: %w", c.name, err)
	}
	go c.read(output)
	return c, nil
}

// StartSelf starts this program with other arguments and waits for its ready
// line. It returns what the child says its address is.
func StartSelf(ctx context.Context, args ...string) (*Child, string, error) {
	path, err := os.Executable()
	if err != nil {
		return nil, "", err
	}
	c, err := Start(path, args...)
	if err != nil {
		return nil, "", err
	}
	ctx, cancel := context.WithTimeout(ctx, readyTimeout)
	defer cancel()
	var ready readyLine
	if err := c.Receive(ctx, &ready); err != nil {
		c.Stop()
		return nil, "", fmt.Errorf("%s is not ready: %w", c.name, err)
	}
	return c, ready.Address, nil
}

func (c *Child) read(output io.Reader) {
	defer close(c.ended)
	defer func() { _ = c.cmd.Wait() }() // how it ends says nothing that its lines did not
	defer close(c.lines)
	scanner := bufio.NewScanner(output)
	scanner.Buffer(nil, maxLine)
	for scanner.Scan() {
		c.lines <- append([]byte(nil), scanner.Bytes()...)
	}
}

// Pid is the process's id.
func (c *Child) Pid() int { return c.cmd.Process.Pid }

// Send writes a value to the child as a line of JSON.
func (c *Child) Send(value any) error {
	line, err := json.Marshal(value)
	if err != nil {
		return err
	}
	if _, err := c.input.Write(append(line, '\n')); err != nil {
		return fmt.Errorf("tell %s: %w", c.name, err)
	}
	return nil
}

// Receive reads the child's next line, which is JSON, into a value.
func (c *Child) Receive(ctx context.Context, value any) error {
	select {
	case line, ok := <-c.lines:
		if !ok {
			return fmt.Errorf("%s has ended", c.name)
		}
		if err := json.Unmarshal(line, value); err != nil {
			return fmt.Errorf("%s says %q: %w", c.name, line, err)
		}
		return nil
	case <-ctx.Done():
		return errors.Join(fmt.Errorf("%s is silent", c.name), ctx.Err())
	}
}

// Stop ends the child's input, interrupts it, and kills it if that does not end
// it. It returns when the child has ended.
func (c *Child) Stop() {
	_ = c.input.Close()                           // it may have ended
	_ = c.cmd.Process.Signal(syscall.SIGTERM)     // likewise
	limit := time.AfterFunc(stopTimeout, func() { // and likewise
		_ = syscall.Kill(-c.cmd.Process.Pid, syscall.SIGKILL)
	})
	defer limit.Stop()
	for range c.lines { // or it could wait for a reader for ever
	}
	<-c.ended
}
