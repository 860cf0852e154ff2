//go:build services

// Package scripts tests the scripts beside it.
package scripts

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// aptGet stands in for apt-get. It writes down how it is called, and, as a mirror
// that has moved on does, has packages for those alone who have new lists.
const aptGet = `#!/bin/sh
echo "$(basename "$0") $*" >>"$RECORD"
for argument; do
  case $argument in
    Dir::State::Lists=*) lists=${argument#*=} ;;
    update)
      touch "$lists/new"
      echo 'E: a source does not answer' >&2
      exit 100
      ;;
    install)
      [ -e "$lists/new" ] || { echo 'E: 404' >&2; exit 100; }
      [ -e "$POLICY" ] || { echo 'E: services may start' >&2; exit 100; }
      [ -z "${UNKNOWN:-}" ] || { echo 'E: unknown package' >&2; exit 100; }
      ;;
  esac
done
`

// sudo stands in for sudo.
const sudo = `#!/bin/sh
exec "$@"
`

// installer is a machine on which apt_install runs for a user who is not root.
type installer struct {
	dir, policy, record string
}

func newInstaller(t *testing.T) installer {
	t.Helper()
	dir := t.TempDir()
	programs := map[string]string{"apt-get": aptGet, "sudo": sudo, "id": "#!/bin/sh\necho 1000\n"}
	for name, program := range programs {
		write(t, filepath.Join(dir, "bin", name), program)
	}
	return installer{dir: dir, policy: filepath.Join(dir, "policy-rc.d"), record: filepath.Join(dir, "record")}
}

// install runs apt_install for a package and returns what it says.
func (m installer) install(t *testing.T, env ...string) (string, error) {
	t.Helper()
	env = append(env, "PATH="+filepath.Join(m.dir, "bin")+":"+os.Getenv("PATH"), "POLICY="+m.policy, "RECORD="+m.record)
	return run(t, env, `source apt.sh; apt_policy=$POLICY; apt_install broker`)
}

// commands returns the verbs with which apt-get was called.
func (m installer) commands(t *testing.T) string {
	t.Helper()
	record, err := os.ReadFile(m.record)
	if err != nil {
		t.Fatal(err)
	}
	var verbs []string
	for word := range strings.FieldsSeq(string(record)) {
		if word == "update" || word == "install" {
			verbs = append(verbs, word)
		}
	}
	return strings.Join(verbs, " ")
}

// checkTidy fails if the machine's services cannot start any more.
func (m installer) checkTidy(t *testing.T) {
	t.Helper()
	if _, err := os.Stat(m.policy); !os.IsNotExist(err) {
		t.Errorf("%s is left behind (%v)", m.policy, err)
	}
}

func TestAptInstallRefreshesLists(t *testing.T) {
	machine := newInstaller(t)
	if output, err := machine.install(t); err != nil {
		t.Fatalf("with a source that does not answer: %v\n%s", err, output)
	}
	if got, want := machine.commands(t), "update install"; got != want {
		t.Errorf("apt-get was called to %s, want %s", got, want)
	}
	machine.checkTidy(t)
}

func TestAptInstallSaysWhatFailed(t *testing.T) {
	machine := newInstaller(t)
	output, err := machine.install(t, "UNKNOWN=yes")
	if err == nil {
		t.Fatal("a package that does not exist was installed")
	}
	for _, want := range []string{"unknown package", "a source does not answer", "could not install broker"} {
		if !strings.Contains(output, want) {
			t.Errorf("it does not say %q:\n%s", want, output)
		}
	}
	machine.checkTidy(t)
}

// A run that was killed while it installed has left its policy.
func TestAptInstallAfterOneThatWasKilled(t *testing.T) {
	machine := newInstaller(t)
	write(t, machine.policy, "#!/bin/sh\n# while mqrpc installs packages\nexit 101\n")
	if output, err := machine.install(t); err != nil {
		t.Fatalf("%v\n%s", err, output)
	}
	machine.checkTidy(t)
}

func TestAptInstallKeepsTheMachinesPolicy(t *testing.T) {
	const policy = "#!/bin/sh\nexit 101\n"
	machine := newInstaller(t)
	write(t, machine.policy, policy)
	if output, err := machine.install(t); err != nil {
		t.Fatalf("%v\n%s", err, output)
	}
	if got, err := os.ReadFile(machine.policy); err != nil || string(got) != policy {
		t.Errorf("it is now %q (%v)", got, err)
	}
}

// run runs bash with the functions that the scripts have, in their directory, and
// returns all its output.
func run(t *testing.T, env []string, script string, args ...string) (string, error) {
	t.Helper()
	const head = `set -euo pipefail
say() { printf '%s\n' "$*" >&2; }
die() { say "$*"; exit 1; }
`
	command := exec.CommandContext(t.Context(), "bash", append([]string{"-c", head + script, "bash"}, args...)...)
	command.Env = append(os.Environ(), env...)
	output, err := command.CombinedOutput()
	return string(output), err
}

// write makes a program or another file, and the directories above it.
func write(t *testing.T, path, content string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(content), 0o755); err != nil {
		t.Fatal(err)
	}
}
