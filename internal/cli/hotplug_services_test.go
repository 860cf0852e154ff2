//go:build services

package cli

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/mqrpc/mqrpc/internal/testbroker"
)

// TestHotPlug: a gateway that was built and started once serves an API that
// comes later, and follows what becomes of it in the registry.
func TestHotPlug(t *testing.T) {
	broker := testbroker.Shared(t)
	g := startGateway(t, broker)
	if status, body := g.call(t, "Echo.Say", `{"Text":"hi"}`); status != http.StatusNotFound {
		t.Fatalf("before the worker: %d %s", status, body)
	}

	startUnheardWorker(t, broker)
	// It was remembered as unknown, which ends with the worker's announcement.
	g.within(t, time.Second, "the worker", func() bool { return g.status(t) == http.StatusOK })
	if status, body := g.call(t, "Echo.Say", `{"Text":"hi"}`); status != http.StatusOK || body != `{"Text":"hi"}` {
		t.Fatalf("with the worker: %d %s", status, body)
	}

	tool := g.tool(t, broker)
	if got := tool("call", "unheard/1.0/Echo.Say", "-d", `{"a":[1,null]}`); strings.Join(strings.Fields(got), "") != `{"a":[1,null]}` {
		t.Errorf("mqrpc call: %s", got)
	}
	if got := tool("list", "unheard", "--instances"); !strings.Contains(got, "unheard/1.0") {
		t.Errorf("mqrpc list: %s", got)
	}

	tool("api", "push", "--from-worker", "unheard/1.0")
	g.within(t, time.Second, "the push", func() bool { return g.api(t).Sequence == 1 && g.api(t).Source == "registry" })
	served := g.api(t).Revision

	tool("api", "disable", "unheard/1.0")
	g.within(t, time.Second, "disable", func() bool { return g.status(t) == http.StatusServiceUnavailable })
	tool("api", "enable", "unheard/1.0")
	g.within(t, time.Second, "enable", func() bool { return g.status(t) == http.StatusOK })

	dir := t.TempDir()
	file := filepath.Join(dir, filepath.FromSlash(unheardFile))
	if err := os.MkdirAll(filepath.Dir(file), 0o750); err != nil {
		t.Fatal(err)
	}
	later := fmt.Sprintf(unheardProto, "rpc Shout(google.protobuf.Struct) returns (google.protobuf.Struct);")
	if err := os.WriteFile(file, []byte(later), 0o600); err != nil {
		t.Fatal(err)
	}
	tool("api", "push", "-I", dir, file)
	g.within(t, time.Second, "the later revision", func() bool { return g.api(t).Revision != served })
	tool("api", "rollback", "unheard/1.0", served, "--force")
	g.within(t, time.Second, "rollback", func() bool { return g.api(t).Revision == served })
	if got := g.status(t); got != http.StatusOK {
		t.Errorf("after the rollback: %d", got)
	}
}

// gatewayProcess is mqrpc gateway, built and started.
type gatewayProcess struct {
	program, registry string
	address, admin    string
	client            *http.Client
}

func startGateway(t *testing.T, broker string) *gatewayProcess {
	t.Helper()
	dir := t.TempDir()
	g := &gatewayProcess{
		program:  filepath.Join(dir, "mqrpc"),
		registry: "sqlite:" + filepath.Join(dir, "registry.db"),
		client:   &http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: time.Minute},
	}
	if out, err := exec.Command("go", "build", "-o", g.program, "../../cmd/mqrpc").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	command := exec.Command(g.program, "gateway", "--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0", "--log-format", "json",
		"--registry", g.registry, "--notify", "broadcast", "--snapshot-dir", filepath.Join(dir, "snapshot"))
	command.Env = append(os.Environ(), "MQRPC_AMQP_URL="+broker)
	stderr, err := command.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	var log output
	listens, logged := make(chan struct{}), make(chan struct{})
	go g.readLog(stderr, &log, listens, logged)
	t.Cleanup(func() {
		_ = command.Process.Signal(os.Interrupt)
		<-logged
		if err := command.Wait(); err != nil || t.Failed() {
			t.Errorf("the gateway has ended: %v\n%s", err, log.String())
		}
	})
	select {
	case <-listens:
	case <-logged:
		t.Fatal("the gateway did not start")
	}
	g.within(t, time.Minute, "readiness", func() bool {
		response, err := g.client.Get("http://" + g.address + "/readyz")
		if err != nil {
			return false
		}
		defer response.Body.Close()
		return response.StatusCode == http.StatusOK
	})
	return g
}

// readLog keeps the log, and finds the addresses in it.
func (g *gatewayProcess) readLog(from io.Reader, log *output, listens, logged chan<- struct{}) {
	defer close(logged)
	for lines := bufio.NewScanner(from); lines.Scan(); {
		_, _ = fmt.Fprintln(log, lines.Text())
		var line struct {
			Message string `json:"msg"`
			Address string `json:"address"`
			Admin   string `json:"admin"`
		}
		if json.Unmarshal(lines.Bytes(), &line) == nil && line.Message == "the gateway listens" {
			g.address, g.admin = line.Address, line.Admin
			close(listens)
		}
	}
}

// call makes a call of the API over HTTP.
func (g *gatewayProcess) call(t *testing.T, method, content string) (status int, body string) {
	t.Helper()
	response, err := g.client.PostForm("http://"+g.address+"/gateway", url.Values{
		"module": {"unheard"}, "version": {"1.0"}, "method": {method}, "bizContent": {content},
	})
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, string(text)
}

func (g *gatewayProcess) status(t *testing.T) int {
	t.Helper()
	status, _ := g.call(t, "Echo.Say", `{}`)
	return status
}

// shownAPI is what GET /apis/{module}/{version} says.
type shownAPI struct {
	Source   string `json:"source"`
	Revision string `json:"revision"`
	Sequence int64  `json:"sequence"`
}

func (g *gatewayProcess) api(t *testing.T) shownAPI {
	t.Helper()
	response, err := g.client.Get("http://" + g.admin + "/apis/unheard/1.0")
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	var shown shownAPI
	if err := json.NewDecoder(response.Body).Decode(&shown); err != nil {
		t.Fatal(err)
	}
	return shown
}

// within waits until something is so.
func (g *gatewayProcess) within(t *testing.T, limit time.Duration, what string, is func() bool) {
	t.Helper()
	start := time.Now()
	ticker := time.NewTicker(10 * time.Millisecond)
	defer ticker.Stop()
	for !is() {
		if time.Since(start) > limit {
			t.Fatalf("%s has not come into effect within %s: %+v", what, limit, g.api(t))
		}
		<-ticker.C
	}
	t.Logf("%s came into effect within %s", what, time.Since(start))
}

// tool runs the program to its end, with the gateway's registry.
func (g *gatewayProcess) tool(t *testing.T, broker string) func(args ...string) string {
	return func(args ...string) string {
		t.Helper()
		command := exec.Command(g.program, args...)
		command.Env = append(os.Environ(), "MQRPC_AMQP_URL="+broker, "MQRPC_REGISTRY="+g.registry)
		out, err := command.Output()
		if err != nil {
			t.Fatalf("mqrpc %s: %v\n%s", strings.Join(args, " "), err, out)
		}
		return string(out)
	}
}

// startUnheardWorker starts a worker process and waits until it serves.
func startUnheardWorker(t *testing.T, broker string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	command := exec.CommandContext(ctx, os.Args[0], unheardCommand, broker)
	stdin, err := command.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := command.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = stdin.Close()
		if err := command.Wait(); err != nil {
			t.Errorf("the worker: %v", err)
		}
		cancel()
	})
	if line, err := bufio.NewReader(stdout).ReadString('\n'); err != nil || line != demoReady+"\n" {
		t.Fatalf("the worker says %q, %v", line, err)
	}
}
