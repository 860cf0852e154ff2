package cli

import (
	"encoding/json"
	"strings"
	"testing"
)

const wait = "--wait=1s"

func TestList(t *testing.T) {
	s := newStage(t)
	checkGolden(t, "list", s.run(t, exitOK, "", "list", wait).out.String())
	checkGolden(t, "list-methods", s.run(t, exitOK, "", "list", "wxapp/1.0").out.String())
	checkGolden(t, "list-methods-json", s.run(t, exitOK, "", "list", "wxapp/1.0", "-o", "json").out.String())

	p := s.run(t, exitOK, "", "list", "other", wait)
	if p.out.String() != "" || !strings.Contains(p.err.String(), "No worker has answered") {
		t.Errorf("got %s%s", p.out.String(), p.err.String())
	}
	p = s.run(t, exitOK, "", "list", "wxapp", "--instances", wait)
	if got := p.out.String(); !strings.Contains(got, "worker-") || !strings.Contains(got, "LANGUAGE") {
		t.Errorf("got %s", got)
	}
}

// TestListWithRegistry: what is stored is beside what is served.
func TestListWithRegistry(t *testing.T) {
	s := newStage(t)
	url := "--registry=sqlite:" + t.TempDir() + "/registry.db"
	s.run(t, exitOK, "", "api", "push", url, "--from-worker", "wxapp/1.0")
	s.run(t, exitOK, "", "api", "push", url, "-I", wxappProto, wxappProto+"/wxapp/v1_1/wxapp.proto")
	checkGolden(t, "list-registry", s.run(t, exitOK, "", "list", url, wait).out.String())

	var rows []apiRow
	p := s.run(t, exitOK, "", "list", url, wait, "-o", "json")
	if err := json.Unmarshal([]byte(p.out.String()), &rows); err != nil {
		t.Fatal(err)
	}
	if len(rows) != 2 || rows[0].API != "wxapp/1.0" || len(rows[0].Instances) != 1 || !strings.HasPrefix(rows[0].Instances[0].Instance, "worker-") ||
		rows[1].API != "wxapp/1.1" || len(rows[1].Instances) != 0 || rows[1].Stored.Sequence != 1 {
		t.Errorf("got %+v", rows)
	}
	p = s.run(t, exitOK, "", "list", url, "--wait", "0")
	if got := p.out.String(); !strings.Contains(got, "change 1, not served") {
		t.Errorf("got %s", got)
	}
}

func TestListRefuses(t *testing.T) {
	s := newStage(t)
	for args, want := range map[string]string{
		"--wait 0":                 "--wait 0 needs --registry",
		"-o xml":                   "it must be text or json",
		"wxapp/1.0/A.B":            "names more than an API",
		"--registry nothing":       "has no scheme",
		"wxapp/1.0 --wait nothing": "invalid duration",
	} {
		p := s.run(t, exitUsage, "", append([]string{"list"}, strings.Fields(args)...)...)
		if !strings.Contains(p.err.String(), want) {
			t.Errorf("%s: got %s", args, p.err.String())
		}
	}
}

func TestDescribe(t *testing.T) {
	s := newStage(t)
	for name, address := range map[string]string{
		"describe":         "wxapp/1.0",
		"describe-method":  sessionKey,
		"describe-message": "wxapp/1.0/SessionKeyRequest",
		"describe-service": "wxapp/1.0/wxapp.v1.WxappManager",
	} {
		checkGolden(t, name, s.run(t, exitOK, "", "describe", address).out.String())
	}
	checkGolden(t, "describe-commented", s.run(t, exitOK, "", "describe", sessionKey, "-I", wxappProto, "--proto", wxappProto+"/wxapp/v1/wxapp.proto").out.String())
	p := s.run(t, exitFailure, "", "describe", "wxapp/1.0/Nothing")
	if !strings.Contains(p.err.String(), `no service, method, message or enum "Nothing"`) {
		t.Errorf("got %s", p.err.String())
	}
}

// TestHelp keeps the help of every command as people have read it.
func TestHelp(t *testing.T) {
	for _, command := range []string{
		"", "call", "list", "describe", "gateway", "demo", "api", "api push", "api list", "api show", "api history",
		"api rollback", "api enable", "api disable", "api policy", "api policy show", "api policy set", "api delete",
	} {
		p := start(t, []string{"XDG_STATE_HOME=/home/me/.local/state"}, append(strings.Fields(command), "--help")...)
		p.wait(t, exitOK)
		checkGolden(t, "help/"+strings.ReplaceAll("mqrpc "+command, " ", "-"), p.out.String())
	}
}
