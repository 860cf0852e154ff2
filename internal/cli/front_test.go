package cli

import (
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// get is the body of a page.
func get(t *testing.T, url string) string {
	t.Helper()
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: time.Minute}
	response, err := client.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(body)
}

// gateway starts mqrpc gateway and returns it with its addresses.
func (s *stage) gateway(t *testing.T, args ...string) (p *program, address, admin string) {
	t.Helper()
	p = startIn(t, s.environment(environment{args: append([]string{
		"gateway", "--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0", "--log-format", "json",
	}, args...)}))
	after := await(t, &p.err, `"msg":"the gateway listens","address":"`)
	address, after, _ = strings.Cut(after, `","admin":"`)
	admin, _, _ = strings.Cut(after, `"`)
	return p, address, admin
}

// TestGatewayFollowsTheRegistry: the APIs of workers are served, as the registry
// says, and shown to operators.
func TestGatewayFollowsTheRegistry(t *testing.T) {
	s := newStage(t)
	s.run(t, exitOK, "", "api", "push", "--from-worker", "wxapp/1.0")
	_, address, admin := s.gateway(t)
	call := func(want string) {
		t.Helper()
		deadline := time.Now().Add(10 * time.Second)
		for {
			status, body, err := newDemoCall("1.0", "WxappManager.SessionKey", demoContent).send(t.Context(), address)
			if err == nil && strings.Contains(status+" "+body, want) {
				return
			}
			if time.Now().After(deadline) {
				t.Fatalf("got %s %s, %v, want %q", status, body, err, want)
			}
		}
	}
	call(demoAnswer)
	s.run(t, exitOK, "", "api", "disable", "wxapp/1.0", "--notify", "broadcast")
	call("503")
	s.run(t, exitOK, "", "api", "enable", "wxapp/1.0", "--notify", "broadcast")
	call(demoAnswer)
	if shown := get(t, "http://"+admin+"/apis"); !strings.Contains(shown, `"module": "wxapp"`) || !strings.Contains(shown, `"source": "registry"`) {
		t.Errorf("/apis shows %s", shown)
	}
	if body := get(t, "http://"+address+"/readyz"); !strings.Contains(body, `"registry":{"available":true`) {
		t.Errorf("/readyz says %s", body)
	}
}

// TestGatewayStartsFromTheSnapshot: with the registry down, what was served
// before is served again.
func TestGatewayStartsFromTheSnapshot(t *testing.T) {
	s := newStage(t)
	snapshot := "--snapshot-dir=" + t.TempDir()
	s.run(t, exitOK, "", "api", "push", "--from-worker", "wxapp/1.0")
	s.run(t, exitOK, "", "api", "policy", "set", "wxapp/1.0", "--method", "WxappManager.SendMessage", "--disabled")
	disabled := func(address string) {
		t.Helper()
		status, body, err := newDemoCall("1.0", "WxappManager.SendMessage", "{}").send(t.Context(), address)
		if err != nil || !strings.Contains(status, "503") {
			t.Errorf("got %s %s, %v", status, body, err)
		}
	}
	p, address, _ := s.gateway(t, snapshot)
	disabled(address)
	p.stop()
	p.wait(t, exitOK)

	_, address, _ = s.gateway(t, snapshot, "--registry", "postgres://me:s3cret@127.0.0.1:1/nothing")
	disabled(address)
	if body := get(t, "http://"+address+"/readyz"); !strings.Contains(body, `"available":false`) || strings.Contains(body, "s3cret") {
		t.Errorf("/readyz says %s", body)
	}
}

func TestGatewayWithoutRegistry(t *testing.T) {
	s := newStage(t)
	_, address, _ := s.gateway(t, "--registry", "none")
	status, body, err := newDemoCall("1.0", "WxappManager.SessionKey", demoContent).send(t.Context(), address)
	if err != nil || body != demoAnswer {
		t.Errorf("got %s %s, %v", status, body, err)
	}
}

// TestGatewayRefuses: what cannot be opened is said, with what to do.
func TestGatewayRefuses(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	s := newStage(t)
	for want, test := range map[string]struct {
		code int
		args []string
	}{
		"--registry names another one, or none": {exitFailure, []string{"--registry", "sqlite:" + file + "/registry.db"}},
		"--snapshot-dir names another":          {exitFailure, []string{"--snapshot-dir", file}},
		"has no scheme":                         {exitUsage, []string{"--registry", "registry.db"}},
		"cannot be watched":                     {exitUsage, []string{"--notify", "watch"}},
		"admin-listen":                          {exitFailure, []string{"--admin-listen", "nonsense"}},
		"poll-interval must be greater":         {exitUsage, []string{"--poll-interval", "0"}},
	} {
		p := s.run(t, test.code, "", append([]string{"gateway", "--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0"}, test.args...)...)
		if got := p.err.String(); !strings.Contains(got, want) {
			t.Errorf("%v: got %s, want %q", test.args, got, want)
		}
	}
}

// TestStateDir: where things are kept by default.
func TestStateDir(t *testing.T) {
	for want, environ := range map[string][]string{
		"/state/mqrpc":                {"XDG_STATE_HOME=/state", "HOME=/home/me"},
		"/home/me/.local/state/mqrpc": {"XDG_STATE_HOME=relative", "HOME=/home/me"},
		"":                            {"OTHER=/x"},
	} {
		if got := stateDir(environ); got != want {
			t.Errorf("%v: got %q, want %q", environ, got, want)
		}
	}
	if got := defaultRegistry(noEnviron).url; got != "none" {
		t.Errorf("without a directory the registry is %s", got)
	}
}
