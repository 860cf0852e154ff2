package cli

import (
	"regexp"
	"strings"
	"testing"

	"google.golang.org/grpc/codes"
)

const sessionKey = "wxapp/1.0/WxappManager.SessionKey"

// content is the example's request.
const content = `{"Code":"d3JmZGZkc2Y="}`

func TestCall(t *testing.T) {
	s := newStage(t)
	const answer = "{\n  \"SessionKey\": \"WWFZPria9EKhZUiOtJ+WSA==\"\n}\n"
	const examples = "../../examples/wxapp/proto"
	for name, args := range map[string][]string{
		"asks the worker":     {"-d", content},
		"reads the input":     {"-d", "@"},
		"another way to name": {"-d", content, "-H", "tenant: acme", "--max-time", "30"},
		"from files":          {"-d", content, "--proto", examples + "/wxapp/v1/wxapp.proto", "-I", examples},
		"more than is known":  {"-d", `{"Code":"d3JmZGZkc2Y=","Other":1}`, "--allow-unknown-fields", "--emit-defaults"},
	} {
		t.Run(name, func(t *testing.T) {
			p := s.run(t, exitOK, content, append([]string{"call", sessionKey}, args...)...)
			if got := p.out.String(); got != answer || p.err.String() != "" {
				t.Errorf("got %s%s", got, p.err.String())
			}
		})
	}
}

func TestCallInTextFormat(t *testing.T) {
	p := newStage(t).run(t, exitOK, "", "call", "wxapp/1.0/WxappManager/SessionKey", "--format", "text", "-d", `code: "wrfdfdsf"`)
	if got := p.out.String(); !regexp.MustCompile(`^session_key: +"YaY.*"\n$`).MatchString(got) {
		t.Errorf("got %q", got)
	}
}

func TestCallVerbosely(t *testing.T) {
	p := newStage(t).run(t, exitOK, "", "call", sessionKey, "-d", content, "-H", "Tenant: acme", "-v")
	changing := regexp.MustCompile(`(Time: |Instance: worker-).*`)
	checkGolden(t, "call-verbose", changing.ReplaceAllString(p.err.String(), "$1(some)"))
}

func TestCallFails(t *testing.T) {
	s := newStage(t)
	for name, test := range map[string]struct {
		code int
		args []string
	}{
		"call-status":         {exitStatus + int(codes.NotFound), []string{sessionKey, "-d", content, "-H", "fail: AWAY"}},
		"call-invalid":        {exitStatus + int(codes.InvalidArgument), []string{sessionKey}},
		"call-no-worker":      {exitStatus + int(codes.Unavailable), []string{"nobody/1.0/A.B"}},
		"call-unknown-method": {exitFailure, []string{"wxapp/1.0/WxappManager.Nothing"}},
		"call-bad-request":    {exitFailure, []string{sessionKey, "-d", `{"Cod":1}`}},
		"call-bad-text":       {exitFailure, []string{sessionKey, "-d", "cod: 1", "--format", "text"}},
		"call-no-file":        {exitFailure, []string{sessionKey, "--protoset", "testdata/nothing"}},
		"call-no-method":      {exitUsage, []string{"wxapp/1.0"}},
		"call-bad-header":     {exitUsage, []string{sessionKey, "-H", "nothing"}},
		"call-bad-format":     {exitUsage, []string{sessionKey, "--format", "xml"}},
		"call-bad-time":       {exitUsage, []string{sessionKey, "--max-time", "soon"}},
	} {
		t.Run(name, func(t *testing.T) {
			p := s.run(t, test.code, "", append([]string{"call"}, test.args...)...)
			if p.out.String() != "" {
				t.Errorf("it wrote %s", p.out.String())
			}
			checkGolden(t, name, p.err.String())
		})
	}
}

// TestNoBroker: a command does not wait for a broker that is not there, nor
// shows its password.
func TestNoBroker(t *testing.T) {
	for _, command := range []string{"call a/1/B.C", "list", "list a/1", "describe a/1", "api push --from-worker a/1 --registry sqlite:" + t.TempDir() + "/r.db"} {
		p := start(t, []string{"MQRPC_AMQP_URL=amqp://me:s3cret@127.0.0.1:1/"}, strings.Fields(command)...)
		p.wait(t, exitFailure)
		got := p.err.String()
		if !strings.Contains(got, "no connection to the broker") || !strings.Contains(got, "127.0.0.1:1") || strings.Contains(got, "s3cret") {
			t.Errorf("%s: got %s", command, got)
		}
	}
}
