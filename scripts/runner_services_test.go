//go:build services

package scripts

import (
	"crypto/sha256"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestRunnerFetch has apt fetch what the conformance suite's runner is made of
// from mirrors in the states in which one may find them. The machine says that a
// protobuf is installed which no mirror has; its own lists are gone; and one of its
// sources does not answer.
func TestRunnerFetch(t *testing.T) {
	tests := map[string]struct {
		libraries []string
		sources   []string
		gone      []string // source packages of which Debian's part is gone
		library   string   // what is fetched
		source    string
		says      []string // or what is said
	}{
		"same version": {
			libraries: []string{"3.21.12-3+deb12u1"},
			sources:   []string{"3.21.12-3+deb12u1"},
			library:   "3.21.12-3+deb12u1",
			source:    "3.21.12-3+deb12u1",
		},
		"the source has moved on": {
			libraries: []string{"3.21.12-3"},
			sources:   []string{"3.21.12-3+deb12u1"},
			library:   "3.21.12-3",
			source:    "3.21.12-3+deb12u1",
		},
		"the library was built again": {
			libraries: []string{"3.21.12-11+b1"},
			sources:   []string{"3.21.12-11"},
			library:   "3.21.12-11+b1",
			source:    "3.21.12-11",
		},
		"part of the source is gone": {
			libraries: []string{"3.21.12-3"},
			sources:   []string{"3.21.12-3"},
			gone:      []string{"3.21.12-3"},
			library:   "3.21.12-3",
			source:    "3.21.12-3",
		},
		"a newer library has no source": {
			libraries: []string{"3.21.99-0vendor1", "3.21.12-3"},
			sources:   []string{"3.21.12-2", "3.21.12-3"},
			library:   "3.21.12-3",
			source:    "3.21.12-3",
		},
		"a newer protobuf is laid out otherwise": {
			libraries: []string{"3.25.1-1", "3.21.12-3"},
			sources:   []string{"3.25.1-1", "3.21.12-3"},
			library:   "3.21.12-3",
			source:    "3.21.12-3",
		},
		"no source fits": {
			libraries: []string{"3.21.9-1"},
			sources:   []string{"3.21.12-3"},
			says:      []string{"libprotobuf-dev 3.21.9-1", "source package protobuf 3.21.12-3", "--runner PROGRAM"},
		},
		"no source packages": {
			libraries: []string{"3.21.12-3"},
			says:      []string{"libprotobuf-dev 3.21.12-3", "source package protobuf in no version"},
		},
		"nothing answers": {
			says: []string{"libprotobuf-dev in no version", "does not have a Release file"},
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			mirror := newArchive(t)
			for _, version := range test.libraries {
				mirror.addLibrary(version)
			}
			for _, version := range test.sources {
				mirror.addSource(version)
			}
			for _, version := range test.gone {
				mirror.removeFile("protobuf_" + version + ".dsc")
			}
			work := t.TempDir()
			output, err := run(t, []string{"APT_CONFIG=" + mirror.aptConfig()},
				`source apt.sh; source conformance.d/runner.sh; runner_fetch "$1"`, work)
			if test.says != nil {
				checkRefusal(t, output, err, test.says)
				return
			}
			if err != nil {
				t.Fatalf("%v\n%s", err, output)
			}
			for path, want := range map[string]string{
				"root/usr/libprotobuf-dev":   test.library,
				"root/usr/protobuf-compiler": test.library,
				"root/usr/libprotobuf32t64":  test.library,
				"root/usr/libprotoc32":       test.library,
				"source/version":             test.source,
			} {
				if got, err := os.ReadFile(filepath.Join(work, path)); err != nil || string(got) != want {
					t.Errorf("%s is of version %q (%v), want %q", path, got, err, want)
				}
			}
		})
	}
}

func checkRefusal(t *testing.T, output string, err error, says []string) {
	t.Helper()
	if err == nil {
		t.Error("something was fetched")
	}
	for _, want := range says {
		if !strings.Contains(output, want) {
			t.Errorf("it does not say %q:\n%s", want, output)
		}
	}
}

// archive is a mirror of a distribution with a few packages.
type archive struct {
	t                 *testing.T
	dir, architecture string
	packages, sources strings.Builder
}

func newArchive(t *testing.T) *archive {
	t.Helper()
	architecture, err := exec.CommandContext(t.Context(), "dpkg", "--print-architecture").Output()
	if err != nil {
		t.Fatal(err)
	}
	return &archive{t: t, dir: t.TempDir(), architecture: strings.TrimSpace(string(architecture))}
}

// addLibrary adds the packages of a library. Each has one file, /usr/PACKAGE, with
// the version.
func (a *archive) addLibrary(version string) {
	a.addPackage("libprotobuf32t64", version, "")
	a.addPackage("libprotoc32", version, "libprotobuf32t64 (= "+version+")")
	a.addPackage("libprotobuf-dev", version, "zlib1g-dev, libprotobuf32t64 (= "+version+")")
	a.addPackage("protobuf-compiler", version, "libc6 (>= 2.34), libprotoc32 (= "+version+")")
}

func (a *archive) addPackage(name, version, depends string) {
	a.t.Helper()
	tree := a.t.TempDir()
	control := fmt.Sprintf("Package: %s\nSource: protobuf\nVersion: %s\nArchitecture: %s\nMaintainer: nobody\nDescription: none\n",
		name, version, a.architecture)
	if depends != "" {
		control += "Depends: " + depends + "\n"
	}
	write(a.t, filepath.Join(tree, "DEBIAN", "control"), control)
	write(a.t, filepath.Join(tree, "usr", name), version)
	file := name + "_" + version + ".deb"
	a.command("dpkg-deb", "--build", tree, filepath.Join(a.dir, file))
	size, sum := a.measure(file)
	fmt.Fprintf(&a.packages, "%sFilename: ./%s\nSize: %d\nSHA256: %s\n\n", control, file, size, sum)
}

// addSource adds a source package. Its source is one file, version.
func (a *archive) addSource(version string) {
	a.t.Helper()
	tree := a.t.TempDir()
	write(a.t, filepath.Join(tree, "protobuf", "version"), version)
	// One name for one content: the tests tell revisions of Debian's apart.
	files := []string{"protobuf_" + version + ".dsc", "protobuf_" + version + ".orig.tar.gz"}
	write(a.t, filepath.Join(a.dir, files[0]), "Debian's part of "+version)
	a.command("tar", "-czf", filepath.Join(a.dir, files[1]), "-C", tree, "protobuf")
	fmt.Fprintf(&a.sources, "Package: protobuf\nFormat: 3.0 (quilt)\nBinary: libprotobuf-dev\nVersion: %s\n"+
		"Architecture: any\nMaintainer: nobody\nDirectory: .\nChecksums-Sha256:\n", version)
	for _, file := range files {
		size, sum := a.measure(file)
		fmt.Fprintf(&a.sources, " %s %d %s\n", sum, size, file)
	}
	fmt.Fprintln(&a.sources)
}

// removeFile makes the mirror one that has no longer what its lists say.
func (a *archive) removeFile(name string) {
	a.t.Helper()
	if err := os.Remove(filepath.Join(a.dir, name)); err != nil {
		a.t.Fatal(err)
	}
}

// aptConfig publishes the archive and returns the configuration of apt of a
// machine that uses it.
func (a *archive) aptConfig() string {
	a.t.Helper()
	machine := a.t.TempDir()
	sources := "deb copy:" + filepath.Join(machine, "silent") + " ./\n"
	if a.packages.Len() > 0 {
		write(a.t, filepath.Join(a.dir, "Packages"), a.packages.String())
		write(a.t, filepath.Join(a.dir, "Sources"), a.sources.String())
		sources += "deb [trusted=yes] copy:" + a.dir + " ./\n"
	}
	write(a.t, filepath.Join(machine, "sources.list"), sources)
	write(a.t, filepath.Join(machine, "status"), "Package: libprotobuf-dev\nStatus: install ok installed\n"+
		"Version: 3.21.12-99\nArchitecture: "+a.architecture+"\nMaintainer: nobody\nDescription: none\n")
	config := filepath.Join(machine, "apt.conf")
	write(a.t, config, fmt.Sprintf(`Dir::Etc::sourcelist "%[1]s/sources.list";
Dir::Etc::sourceparts "%[1]s/none";
Dir::State "%[1]s/none";
Dir::State::status "%[1]s/status";
`, machine))
	return config
}

func (a *archive) measure(file string) (size int, sum string) {
	a.t.Helper()
	content, err := os.ReadFile(filepath.Join(a.dir, file))
	if err != nil {
		a.t.Fatal(err)
	}
	return len(content), fmt.Sprintf("%x", sha256.Sum256(content))
}

func (a *archive) command(name string, args ...string) {
	a.t.Helper()
	if output, err := exec.CommandContext(a.t.Context(), name, args...).CombinedOutput(); err != nil {
		a.t.Fatalf("%s: %v\n%s", name, err, output)
	}
}
