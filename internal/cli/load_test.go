package cli

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/spf13/pflag"
)

// parse loads settings as the gateway command does.
func parse(t *testing.T, file string, environ []string, args ...string) (*settings, error) {
	t.Helper()
	s := defaultSettings(noEnviron)
	flags := pflag.NewFlagSet("test", pflag.ContinueOnError)
	flags.String(configFlag, "", "")
	for _, o := range s.options() {
		o.addTo(flags)
	}
	if file != "" {
		path := filepath.Join(t.TempDir(), "gateway.yaml")
		if err := os.WriteFile(path, []byte(file), 0o600); err != nil {
			t.Fatal(err)
		}
		environ = append(environ, "MQRPC_CONFIG="+path)
	}
	if err := flags.Parse(args); err != nil {
		t.Fatal(err)
	}
	return s, load(s.options(), flags, func() []string { return environ })
}

func TestPrecedence(t *testing.T) {
	const file = "timeout: 1s\nmax-in-flight: 1\nlisten: file\namqp-url: [amqp://file/]\n"
	environ := []string{"MQRPC_TIMEOUT=2s", "MQRPC_MAX_IN_FLIGHT=2", "MQRPC_LISTEN=", "MQRPC_OTHER=x", "OTHER=y"}
	s, err := parse(t, file, environ, "--timeout", "3s")
	if err != nil {
		t.Fatal(err)
	}
	if s.timeouts.Call != 3*time.Second {
		t.Errorf("the flag does not win: %s", s.timeouts.Call)
	}
	if s.limits.InFlight != 2 {
		t.Errorf("the environment does not win over the file: %d", s.limits.InFlight)
	}
	if s.listen != "file" || !slices.Equal(s.broker.urls, []string{"amqp://file/"}) {
		t.Errorf("the file does not win over the default: %s, %v", s.listen, s.broker.urls)
	}
	if s.log.level != "info" || s.inFlightPerAPI != 4096 {
		t.Errorf("the defaults are gone: %+v", s)
	}
}

// TestEveryOptionInAllThreeWays gives each option a value of its own, thrice.
func TestEveryOptionInAllThreeWays(t *testing.T) {
	for _, o := range defaultSettings(noEnviron).options() {
		t.Run(o.name, func(t *testing.T) {
			var text, inYAML string
			switch o.value.(type) {
			case *string:
				text, inYAML = "some/text", "some/text"
			case *[]string:
				text, inYAML = "first,second", "[first, second]"
			case *bool:
				text, inYAML = "true", "true"
			case *time.Duration:
				text, inYAML = "1m1s", "1m1s"
			default:
				text, inYAML = "4321", "4321"
			}
			byFlag, err := parse(t, "", nil, "--"+o.name+"="+text)
			if err != nil {
				t.Fatal(err)
			}
			byEnv, err := parse(t, "", []string{o.env() + "=" + text})
			if err != nil {
				t.Fatal(err)
			}
			byFile, err := parse(t, o.name+": "+inYAML, nil)
			if err != nil {
				t.Fatal(err)
			}
			want := fmt.Sprintf("%+v", byFlag)
			if want == fmt.Sprintf("%+v", defaultSettings(noEnviron)) {
				t.Error("the flag changes nothing")
			}
			if got := fmt.Sprintf("%+v", byEnv); got != want {
				t.Errorf("%s gives\n%s\nthe flag\n%s", o.env(), got, want)
			}
			if got := fmt.Sprintf("%+v", byFile); got != want {
				t.Errorf("the file gives\n%s\nthe flag\n%s", got, want)
			}
		})
	}
}

func TestLoadRefuses(t *testing.T) {
	tests := map[string]struct {
		file    string
		environ []string
		want    []string
	}{
		"unknown keys":       {"listen: x\nlisten-on: y\namqp:\n  url: z\n", nil, []string{`unknown key "listen-on"`, `unknown key "amqp.url"`, "gateway.yaml"}},
		"malformed":          {"listen: [", nil, []string{"gateway.yaml", "yaml"}},
		"no unit":            {"timeout: 12", nil, []string{"timeout: ", "missing unit"}},
		"not a number":       {"max-in-flight: many", nil, []string{"max-in-flight: ", `"many"`}},
		"a list":             {"listen: [a, b]", nil, []string{"listen: it is a list"}},
		"not a bool":         {"discard-unknown: 7", nil, []string{"discard-unknown: "}},
		"zero":               {"max-in-flight: 0", nil, []string{"max-in-flight must be greater than zero"}},
		"negative":           {"drain-time: -1s", nil, []string{"drain-time must be greater than zero"}},
		"in a variable":      {"", []string{"MQRPC_BODY_TIMEOUT=soon"}, []string{"body-timeout: ", `"soon"`}},
		"file not there":     {"", []string{"MQRPC_CONFIG=/nothing/there.yaml"}, []string{"/nothing/there.yaml"}},
		"keys for an option": {"timeout:\n  call: 1s", nil, []string{`unknown key "timeout.call"`}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			_, err := parse(t, test.file, test.environ)
			for _, want := range test.want {
				if err == nil || !strings.Contains(err.Error(), want) {
					t.Errorf("got %v, want %q in it", err, want)
				}
			}
		})
	}
}

func TestEmptyFile(t *testing.T) {
	for _, file := range []string{"# nothing\n", "drain-time: 0s\n", "timeout:\n"} {
		if _, err := parse(t, file, nil); err != nil {
			t.Errorf("%q: %v", file, err)
		}
	}
}

func TestPrintConfig(t *testing.T) {
	p := start(t, []string{"MQRPC_AMQP_URL=amqp://me:s3cret@a/,amqps://b/,s3cret", "MQRPC_REGISTRY=postgres://me:s3cret@h/d"}, "gateway", "--print-config", "--timeout", "90s")
	p.wait(t, exitOK)
	printed := p.out.String()
	for _, want := range []string{"timeout: 1m30s\n", "amqp://me:***@a/\n", "- amqps://b/\n", "- '***'\n", "registry: postgres://me:***@h/d\n"} {
		if !strings.Contains(printed, want) {
			t.Errorf("no %q in\n%s", want, printed)
		}
	}
	if strings.Contains(printed, "s3cret") {
		t.Errorf("a password is in\n%s", printed)
	}
	if _, err := parse(t, printed, nil); err != nil {
		t.Errorf("what is printed is no configuration file: %v", err)
	}
}
