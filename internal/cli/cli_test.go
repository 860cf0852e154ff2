package cli

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"
)

// TestMain lets the demo run this test binary as one of its workers, and tests
// as another one.
func TestMain(m *testing.M) {
	switch {
	case len(os.Args) == 3 && os.Args[1] == unheardCommand:
		if err := runUnheardWorker(os.Args[2]); err != nil {
			_, _ = fmt.Fprintln(os.Stderr, err)
			os.Exit(exitFailure)
		}
		os.Exit(exitOK)
	case len(os.Args) > 1 && os.Args[1] == demoWorkerCommand:
		os.Exit(Main())
	}
	goleak.VerifyTestMain(m)
}

// output collects what the program writes.
type output struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.buf.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.buf.String()
}

// program is a run of the program.
type program struct {
	out, err output
	stop     context.CancelFunc
	code     chan int
}

// start runs the program with variables and arguments, until the test ends.
func start(t *testing.T, environ []string, args ...string) *program {
	t.Helper()
	return startIn(t, environment{args: args, environ: func() []string { return environ }})
}

// startIn runs the program in an environment, whose outputs it replaces.
func startIn(t *testing.T, env environment) *program {
	t.Helper()
	ctx, stop := context.WithCancel(context.Background())
	p := &program{stop: stop, code: make(chan int, 1)}
	env.out, env.err = &p.out, &p.err
	if env.in == nil {
		env.in = strings.NewReader("")
	}
	go func() {
		defer close(p.code)
		p.code <- run(ctx, env)
	}()
	t.Cleanup(func() {
		stop()
		for range p.code {
		}
	})
	return p
}

// wait waits for the program's end.
func (p *program) wait(t *testing.T, code int) {
	t.Helper()
	select {
	case got := <-p.code:
		if got != code {
			t.Errorf("exit code %d, want %d\n%s%s", got, code, p.out.String(), p.err.String())
		}
	case <-time.After(time.Minute):
		t.Fatal("the program does not end")
	}
}

// await waits until the program has written a text, and returns what follows it.
func await(t *testing.T, where *output, text string) string {
	t.Helper()
	ticker := time.NewTicker(5 * time.Millisecond)
	defer ticker.Stop()
	timeout := time.After(time.Minute)
	for {
		if _, after, found := strings.Cut(where.String(), text); found {
			return after
		}
		select {
		case <-ticker.C:
		case <-timeout:
			t.Fatalf("%q is not in\n%s", text, where.String())
		}
	}
}

func TestExitCodes(t *testing.T) {
	for args, code := range map[string]int{
		"version":                                      exitOK,
		"--help":                                       exitOK,
		"gateway --print-config":                       exitOK,
		"nothing":                                      exitFailure,
		"gateway --nothing":                            exitUsage,
		"gateway extra":                                exitUsage,
		"gateway --timeout 0":                          exitUsage,
		"gateway --log-level loud":                     exitUsage,
		"gateway --log-format xml":                     exitUsage,
		"gateway --amqp-url nonsense":                  exitFailure,
		"gateway --amqp-ca /nothing":                   exitFailure,
		"gateway --amqp-cert /nothing":                 exitFailure,
		"gateway --listen nonsense":                    exitFailure,
		"demo extra":                                   exitUsage,
		"demo --once --listen 127.0.0.1:0":             exitOK,
		"demo --once --listen :0 --amqp http://x.test": exitFailure,
		"demo-worker":                                  exitUsage,
		"demo-worker 7":                                exitUsage,
	} {
		t.Run(args, func(t *testing.T) {
			p := start(t, nil, strings.Fields(args)...)
			p.wait(t, code)
			if got := p.err.String(); (code == exitOK) != (got == "") {
				t.Errorf("it wrote %q", got)
			}
		})
	}
}
