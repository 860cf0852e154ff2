package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"time"
)

func (b *bench) build(ctx context.Context) error {
	build := exec.CommandContext(ctx, "go", "build", "-o", b.program, "github.com/mqrpc/mqrpc/cmd/mqrpc") //nolint:gosec // our own command
	if out, err := build.CombinedOutput(); err != nil {
		return fmt.Errorf("build mqrpc: %w\n%s", err, out)
	}
	return nil
}

// gatewayProcess is a running mqrpc gateway.
type gatewayProcess struct {
	command *exec.Cmd
	base    string
	started time.Duration // from the start to readiness
}

// startGateway starts a gateway with further flags and waits until it is ready.
func (b *bench) startGateway(ctx context.Context, flags ...string) (*gatewayProcess, error) {
	broker, err := address("MQRPC_TEST_AMQP_URL")
	if err != nil {
		return nil, err
	}
	listen, err := freeAddress(ctx)
	if err != nil {
		return nil, err
	}
	flags = append([]string{
		"gateway", "--listen", listen, "--admin-listen", "127.0.0.1:0", "--amqp-url", broker,
		"--log-level", "error", "--snapshot-dir", b.dir + "/snapshot-" + strconv.FormatInt(time.Now().UnixNano(), 36),
	}, flags...)
	g := &gatewayProcess{command: exec.Command(b.program, flags...), base: "http://" + listen} //nolint:gosec,noctx // our own command; stop ends it
	g.command.Stderr = os.Stderr
	began := time.Now()
	if err := g.command.Start(); err != nil {
		return nil, err
	}
	if err := await(ctx, 20*time.Second, func() bool { return g.status(ctx, "/readyz") == http.StatusOK }); err != nil {
		g.stop()
		return nil, fmt.Errorf("the gateway is not ready: %w", err)
	}
	g.started = time.Since(began)
	return g, nil
}

func (g *gatewayProcess) stop() {
	_ = g.command.Process.Signal(syscall.SIGTERM) // it may have ended
	_ = g.command.Wait()                          // how it ends says nothing here
}

func (g *gatewayProcess) status(ctx context.Context, path string) int {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, g.base+path, http.NoBody)
	if err != nil {
		return 0
	}
	return do(request)
}

// call makes a call through the gateway and returns the HTTP status, 0 for none.
func (g *gatewayProcess) call(ctx context.Context, module, version, method, content string) int {
	form := url.Values{"module": {module}, "version": {version}, "method": {method}, "bizContent": {content}}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, g.base+"/gateway", strings.NewReader(form.Encode()))
	if err != nil {
		return 0
	}
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return do(request)
}

func do(request *http.Request) int {
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return 0
	}
	defer response.Body.Close()
	_, _ = io.Copy(io.Discard, response.Body) // the status is what counts
	return response.StatusCode
}

// resident is the process's resident memory in bytes.
func (g *gatewayProcess) resident() (int64, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", g.command.Process.Pid))
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(string(text)) {
		if rest, ok := strings.CutPrefix(line, "VmRSS:"); ok {
			kib, err := strconv.ParseInt(strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(rest), "kB")), 10, 64)
			return kib << 10, err
		}
	}
	return 0, errors.New("the process's status has no VmRSS: resident memory is measured on Linux only")
}

func freeAddress(ctx context.Context) (string, error) {
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	return listener.Addr().String(), listener.Close()
}

// await waits until the condition holds, looking again as fast as it can.
func await(ctx context.Context, within time.Duration, condition func() bool) error {
	ctx, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	for !condition() {
		select {
		case <-ctx.Done():
			return fmt.Errorf("not within %v", within)
		case <-time.After(200 * time.Microsecond):
		}
	}
	return nil
}
