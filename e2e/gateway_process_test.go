//go:build services

package e2e_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// program is the mqrpc command, built once for all tests.
var program struct {
	once      sync.Once
	dir, path string
	err       error
}

// This file comes after fault_test.go, whose init replaces closeBrokers.
func init() {
	others := closeBrokers
	closeBrokers = func() {
		others()
		_ = os.RemoveAll(program.dir) // nobody is left who could be told
	}
}

func builtProgram(t *testing.T) string {
	t.Helper()
	program.once.Do(func() {
		if program.dir, program.err = os.MkdirTemp("", "mqrpc-e2e-"); program.err != nil { //nolint:usetesting // it outlives the test
			return
		}
		program.path = filepath.Join(program.dir, "mqrpc")
		out, err := exec.Command("go", "build", "-o", program.path, "github.com/mqrpc/mqrpc/cmd/mqrpc").CombinedOutput()
		if err != nil {
			program.err = errors.Join(err, errors.New(string(out)))
		}
	})
	if program.err != nil {
		t.Fatal(program.err)
	}
	return program.path
}

// gatewayProcess is mqrpc gateway, which can be stopped and started again with
// the same registry, broker and snapshot.
type gatewayProcess struct {
	t       *testing.T
	program string
	environ []string
	client  *http.Client

	command *exec.Cmd
	address string
	log     gatewayLog
	logged  chan struct{} // closed when the log has ended
}

// newGatewayProcess prepares a gateway at the registry, "none" for none.
func newGatewayProcess(t *testing.T, broker, registry, snapshotDir string) *gatewayProcess {
	t.Helper()
	transport := &http.Transport{MaxIdleConnsPerHost: 100}
	g := &gatewayProcess{
		t: t, program: builtProgram(t), client: &http.Client{Transport: transport, Timeout: 30 * time.Second},
		environ: append(os.Environ(), "MQRPC_AMQP_URL="+broker, "MQRPC_REGISTRY="+registry, "MQRPC_SNAPSHOT_DIR="+snapshotDir),
	}
	t.Cleanup(func() {
		g.kill()
		transport.CloseIdleConnections()
		if t.Failed() {
			t.Logf("the end of the gateway's log:\n%s", g.log.end(8000))
		}
	})
	return g
}

// start starts the gateway, waits until it is ready, and says how long that took.
func (g *gatewayProcess) start() time.Duration {
	g.t.Helper()
	g.command = exec.Command(g.program, "gateway", "--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0", "--log-format", "json")
	g.command.Env = g.environ
	stderr, err := g.command.StderrPipe()
	if err != nil {
		g.t.Fatal(err)
	}
	began := time.Now()
	if err := g.command.Start(); err != nil {
		g.t.Fatal(err)
	}
	listens := make(chan string, 1)
	g.logged = make(chan struct{})
	go func(logged chan struct{}) {
		defer close(logged)
		g.log.read(stderr, listens)
	}(g.logged)
	select {
	case g.address = <-listens:
	case <-g.logged:
		g.t.Fatal("the gateway has ended before it listened")
	case <-time.After(20 * time.Second):
		g.t.Fatal("the gateway does not listen after 20 s")
	}
	eventually(g.t, 20*time.Second, "the gateway is ready", func() bool {
		status, _ := g.readiness()
		return status == http.StatusOK
	})
	return time.Since(began)
}

// stop asks the gateway to end, which it must do as if all were well.
func (g *gatewayProcess) stop() {
	g.t.Helper()
	if err := g.command.Process.Signal(syscall.SIGTERM); err != nil {
		g.t.Fatal(err)
	}
	select {
	case <-g.logged:
	case <-time.After(20 * time.Second):
		g.t.Fatal("the gateway has not ended 20 s after SIGTERM")
	}
	if err := g.command.Wait(); err != nil {
		g.t.Errorf("the gateway has ended with %v, want the exit code 0", err)
	}
}

func (g *gatewayProcess) kill() {
	if g.command == nil || g.command.ProcessState != nil {
		return
	}
	_ = g.command.Process.Kill() // it may have ended
	<-g.logged
	_ = g.command.Wait() // "signal: killed"
}

// registryReadiness is what the body of /readyz says of the registry.
type registryReadiness struct {
	Available    bool `json:"available"`
	Snapshot     bool `json:"snapshot"`
	SnapshotAPIs int  `json:"snapshotApis"`
}

// readiness asks for /readyz. The status is 0 if there was no answer.
func (g *gatewayProcess) readiness() (int, registryReadiness) {
	response, err := g.client.Get("http://" + g.address + "/readyz")
	if err != nil {
		return 0, registryReadiness{}
	}
	defer response.Body.Close()
	var body struct {
		Registry registryReadiness `json:"registry"`
	}
	if err := json.NewDecoder(response.Body).Decode(&body); err != nil {
		g.t.Errorf("the body of /readyz: %v", err)
	}
	return response.StatusCode, body.Registry
}

// answer is what the gateway answered to a call.
type answer struct {
	status  int
	body    string
	standIn string // why it is the default response; "": it is not
}

// call calls a method of wxapp 1.0.
func (g *gatewayProcess) call(method, content string) (answer, error) {
	response, err := g.client.PostForm("http://"+g.address+"/gateway", url.Values{
		"module": {"wxapp"}, "version": {"1.0"}, "method": {method}, "bizContent": {content},
	})
	if err != nil {
		return answer{}, err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	return answer{response.StatusCode, string(body), response.Header.Get("X-Mqrpc-Default-Response")}, err
}

// tool runs the command to its end, with the gateway's registry and broker.
func (g *gatewayProcess) tool(args ...string) {
	g.t.Helper()
	if out, err := g.try(args...); err != nil {
		g.t.Fatalf("mqrpc %s: %v\n%s", strings.Join(args, " "), err, out)
	}
}

func (g *gatewayProcess) try(args ...string) (string, error) {
	command := exec.Command(g.program, args...)
	command.Env = g.environ
	out, err := command.CombinedOutput()
	return string(out), err
}

// gatewayLog is what a gateway has logged, over all its starts.
type gatewayLog struct {
	mu   sync.Mutex
	text bytes.Buffer
}

// read keeps a log, and finds the address in it.
func (l *gatewayLog) read(from io.Reader, listens chan<- string) {
	reader := bufio.NewReader(from)
	for {
		text, err := reader.ReadBytes('\n')
		l.mu.Lock()
		l.text.Write(text)
		l.mu.Unlock()
		var line struct {
			Message string `json:"msg"`
			Address string `json:"address"`
		}
		if json.Unmarshal(text, &line) == nil && line.Message == "the gateway listens" {
			listens <- line.Address
		}
		if err != nil {
			return
		}
	}
}

func (l *gatewayLog) contains(text string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return bytes.Contains(l.text.Bytes(), []byte(text))
}

func (l *gatewayLog) end(size int) string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return string(l.text.Bytes()[max(0, l.text.Len()-size):])
}
