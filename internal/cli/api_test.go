package cli

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/mqrpc/mqrpc/registry"
)

// wxappProto is the import path of the example's contracts.
const wxappProto = "../../examples/wxapp/proto"

// pushed is the example's first version in a registry of the test's own.
func pushed(t *testing.T) *stage {
	t.Helper()
	s := newStage(t)
	s.run(t, exitOK, "", "api", "push", "-I", wxappProto, wxappProto+"/wxapp/v1/wxapp.proto")
	return s
}

// variant is a directory with the example's first version, changed by pairs of
// old and new text.
func variant(t *testing.T, changes ...string) string {
	t.Helper()
	text, err := os.ReadFile(wxappProto + "/wxapp/v1/wxapp.proto")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := os.MkdirAll(dir+"/wxapp/v1", 0o750); err != nil {
		t.Fatal(err)
	}
	changed := strings.NewReplacer(changes...).Replace(string(text))
	if err := os.WriteFile(dir+"/wxapp/v1/wxapp.proto", []byte(changed), 0o600); err != nil {
		t.Fatal(err)
	}
	return dir
}

// varying takes out what differs from run to run.
func varying(text string) string {
	text = regexp.MustCompile(`\d{4}-\d\d-\d\dT[0-9:]+Z`).ReplaceAllString(text, "2026-01-02T03:04:05Z")
	return regexp.MustCompile(`\S+@\S+: `).ReplaceAllString(text, "me@host: ")
}

// TestAPI goes through the life of an API.
func TestAPI(t *testing.T) {
	s := pushed(t)
	extended := variant(t, `bytes code = 1 [json_name = "Code"];`, `bytes code = 1 [json_name = "Code"]; string note = 2;`)
	var record strings.Builder
	step := func(code int, args ...string) {
		p := s.run(t, code, "", append([]string{"api"}, args...)...)
		record.WriteString("$ mqrpc api " + strings.ReplaceAll(strings.Join(args, " "), extended, "DIR") + "\n" + p.out.String() + p.err.String() + "\n")
	}
	step(exitOK, "push", "-I", wxappProto, wxappProto+"/wxapp/v1/wxapp.proto")
	step(exitOK, "push", "--from-worker", "wxapp/1.0", "--notify", "broadcast")
	step(exitOK, "push", "-I", extended, extended+"/wxapp/v1/wxapp.proto")
	step(exitOK, "policy", "set", "wxapp/1.0", "--timeout", "3s", "--default-response", "{}")
	step(exitOK, "policy", "set", "wxapp/1.0", "--method", "WxappManager.SessionKey", "--timeout", "1s", "--default-response", `{"SessionKey":""}`)
	step(exitOK, "policy", "show", "wxapp/1.0")
	step(exitOK, "disable", "wxapp/1.0")
	step(exitOK, "show", "wxapp/1.0")
	step(exitOK, "show", "wxapp/1.0/SessionKeyRequest", "--at", "1")
	step(exitOK, "enable", "wxapp/1.0")
	step(exitOK, "enable", "wxapp/1.0")
	step(exitIncompatible, "rollback", "wxapp/1.0", "38c7e793f3fb71f73182ba3ee54907cc")
	step(exitOK, "rollback", "wxapp/1.0", "38c7e7", "--force")
	step(exitFailure, "rollback", "wxapp/1.0", "0123")
	step(exitFailure, "rollback", "wxapp/1.0", "")
	step(exitOK, "policy", "set", "wxapp/1.0", "--method", "WxappManager.SessionKey", "--timeout", "0", "--default-response", "")
	step(exitOK, "delete", "wxapp/1.0", "--yes")
	step(exitFailure, "enable", "wxapp/1.0")
	step(exitFailure, "policy", "set", "wxapp/1.0", "--timeout", "1s")
	step(exitOK, "list")
	step(exitOK, "list", "--deleted")
	step(exitOK, "history", "wxapp/1.0")
	checkGolden(t, "api", varying(record.String()))
}

func TestAPIInJSON(t *testing.T) {
	s := pushed(t)
	var heads []registry.Head
	var changes []registry.Change
	var api struct {
		Revision string `json:"revision"`
		Files    struct {
			File []json.RawMessage `json:"file"`
		} `json:"files"`
	}
	for command, into := range map[string]any{
		"list -o json": &heads, "history wxapp/1.0 -o json -n 5": &changes, "show wxapp/1.0 -o json": &api,
	} {
		p := s.run(t, exitOK, "", append([]string{"api"}, strings.Fields(command)...)...)
		if err := json.Unmarshal([]byte(p.out.String()), into); err != nil {
			t.Errorf("%s: %v in %s", command, err, p.out.String())
		}
	}
	if len(heads) != 1 || len(changes) != 1 || changes[0].Head != heads[0] || api.Revision != heads[0].Revision || len(api.Files.File) == 0 {
		t.Errorf("got %+v, %+v, %s with %d files", heads, changes, api.Revision, len(api.Files.File))
	}
}

func TestIncompatiblePush(t *testing.T) {
	s := pushed(t)
	dir := variant(t, "bytes code = 1", "bytes code = 2", "bytes session_key = 1 [json_name = \"SessionKey\"];\n}", "}")
	file := dir + "/wxapp/v1/wxapp.proto"
	p := s.run(t, exitIncompatible, "", "api", "push", "-I", dir, file)
	checkGolden(t, "api-push-incompatible", p.err.String())
	p = s.run(t, exitOK, "", "api", "push", "-I", dir, file, "--force")
	if !strings.Contains(p.out.String(), "pushed (change 2, ") || !strings.Contains(p.err.String(), "FIELD_RENUMBERED") {
		t.Errorf("got %s%s", p.out.String(), p.err.String())
	}
}

func TestPolicyFile(t *testing.T) {
	s := pushed(t)
	s.run(t, exitOK, `{"timeout":"2s","methods":{"WxappManager.SendMessage":{"disabled":true}}}`, "api", "policy", "set", "wxapp/1.0", "--file", "-")
	shown := s.run(t, exitOK, "", "api", "policy", "show", "wxapp/1.0").out.String()
	path := filepath.Join(t.TempDir(), "policy.json")
	if err := os.WriteFile(path, []byte(shown), 0o600); err != nil {
		t.Fatal(err)
	}
	p := s.run(t, exitOK, "", "api", "policy", "set", "wxapp/1.0", "--file", path)
	if !strings.Contains(p.out.String(), "nothing to change (change 2, ") {
		t.Errorf("got %s", p.out.String())
	}
}

func TestAPIRefuses(t *testing.T) {
	s := pushed(t)
	none := "the service cannot" // a text that no error has
	for args, want := range map[string]string{
		"push":                                       "name what to push",
		"push a.proto --from-worker a/1":             "name what to push",
		"push --from-worker a":                       "does not name an API",
		"list --registry none":                       "there is no registry",
		"list --registry mysql://a":                  `scheme "mysql" is unknown`,
		"list -o xml":                                "it must be text or json",
		"show wxapp":                                 "names no API",
		"enable wxapp/1.0 --notify watch":            "cannot be watched",
		"enable wxapp/1.0 --notify loudly":           "it must be one of",
		"policy set wxapp/1.0":                       "there is nothing to set",
		"policy set wxapp/1.0 --file x --timeout 1s": "leave the other flags out",
	} {
		p := s.run(t, exitUsage, "", append([]string{"api"}, strings.Fields(args)...)...)
		if got := p.err.String(); !strings.Contains(got, want) || strings.Contains(got, none) {
			t.Errorf("%s: got %s, want %q", args, got, want)
		}
	}
	for args, want := range map[string]string{
		"push --protoset testdata/help/mqrpc-api.txt": "is no FileDescriptorSet",
		"show wxapp/2.0":                     "not found in the registry",
		"history wxapp/2.0":                  "not found in the registry",
		"delete wxapp/2.0":                   "not found in the registry",
		"policy set wxapp/1.0 --timeout 48h": "at least 1 ms and at most 24 h",
		"policy set wxapp/1.0 --default-response {\"MessageId\":1}":                    "the default response of WxappManager.S",
		"policy set wxapp/1.0 --method WxappManager.Nothing --disabled":                `has no method "WxappManager.Nothing"`,
		"policy set wxapp/1.0 --method wxapp.v1.WxappManager.SessionKey --timeout 1s":  "must have the form Service.Method",
		"policy set wxapp/1.0 --method WxappManager.SendMessage --default-response []": "is no wxapp.v1.SendMessageResponse",
	} {
		p := s.run(t, exitFailure, "", append([]string{"api"}, strings.Fields(args)...)...)
		if !strings.Contains(p.err.String(), want) {
			t.Errorf("%s: got %s, want %q", args, p.err.String(), want)
		}
	}
}

// TestConfirmation: at a terminal, what does harm is confirmed first.
func TestConfirmation(t *testing.T) {
	s := pushed(t)
	ask := func(code int, answer string, args ...string) *program {
		return s.runIn(t, code, environment{in: strings.NewReader(answer), terminal: true, args: append([]string{"api"}, args...)})
	}
	for _, answer := range []string{"", "\n", "n\n", "what?\n"} {
		for _, command := range []string{"delete wxapp/1.0", "disable wxapp/1.0", "rollback wxapp/1.0 1", "push --force x.proto"} {
			p := ask(exitFailure, answer, strings.Fields(command)...)
			if got := p.err.String(); !strings.Contains(got, "[y/N] mqrpc: nothing was changed: it was not confirmed") {
				t.Errorf("%s answered %q: got %s", command, answer, got)
			}
		}
	}
	ask(exitOK, "y\n", "disable", "wxapp/1.0")
	if p := ask(exitOK, "", "delete", "wxapp/1.0", "-y"); strings.Contains(p.err.String(), "[y/N]") {
		t.Errorf("it asks in spite of -y: %s", p.err.String())
	}
}

// TestHalves: each half of a change that fails alone is told, with what to do.
func TestHalves(t *testing.T) {
	s := newStage(t)
	push := []string{"api", "push", "-I", wxappProto, wxappProto + "/wxapp/v1/wxapp.proto"}
	p := start(t, append(s.environ, "MQRPC_AMQP_URL=amqp://me:s3cret@127.0.0.1:1/"), push...)
	p.wait(t, exitFailure)
	if got := p.err.String(); !strings.Contains(got, "the change was saved, but not announced") || !strings.Contains(got, "run this again") || strings.Contains(got, "s3cret") {
		t.Errorf("got %s", got)
	}
	p = s.run(t, exitOK, "", append(push, "--notify", "broadcast")...)
	if got := p.out.String(); !strings.Contains(got, "nothing to change (change 1, ") || !strings.Contains(got, "announced to gateways") {
		t.Errorf("got %s", got)
	}
}
