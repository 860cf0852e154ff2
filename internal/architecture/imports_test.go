package architecture_test

import (
	"os/exec"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/mqrpc/mqrpc/"

// heavy is what must not reach a user's program by way of runtime.
var heavy = []string{
	"net/http", "database/sql", "modernc.org/", "github.com/jackc/", "github.com/go-zookeeper/", "go.etcd.io/",
	"google.golang.org/grpc/internal/transport", "github.com/grpc-ecosystem/", "github.com/spf13/", "github.com/knadh/",
}

// rules say what the dependencies of a package may not hold: paths, or their
// beginnings where they end with a slash.
var rules = map[string][]string{
	"wire":             append([]string{module + "runtime", "github.com/rabbitmq/"}, heavy...),
	"runtime":          append([]string{module + "gateway", module + "registry", module + "runtime/rabbitmq", "github.com/rabbitmq/"}, heavy...),
	"runtime/memory":   append([]string{"github.com/rabbitmq/"}, heavy...),
	"runtime/rabbitmq": append([]string{module + "gateway", module + "registry"}, heavy...),
	"gateway":          {"github.com/rabbitmq/", "database/sql", "modernc.org/", "github.com/jackc/", "github.com/go-zookeeper/", "go.etcd.io/", "github.com/spf13/", "github.com/knadh/"},
	"catalog":          {module + "gateway", module + "runtime/rabbitmq", module + "runtime/memory", module + "registry/", "github.com/rabbitmq/"},
	"registry":         {module + "gateway", module + "catalog", "github.com/rabbitmq/", "database/sql", "modernc.org/", "github.com/jackc/", "github.com/go-zookeeper/", "go.etcd.io/"},
}

func TestDependencies(t *testing.T) {
	for name, forbidden := range rules {
		t.Run(name, func(t *testing.T) {
			for _, dependency := range dependencies(t, name) {
				if slices.ContainsFunc(forbidden, func(rule string) bool { return matches(dependency, rule) }) {
					t.Errorf("%s depends on %s; see it with: go list -deps ./%s", name, dependency, name)
				}
			}
		})
	}
}

// TestTranscodeStandsAlone: it knows protobuf, and nothing of RPC.
func TestTranscodeStandsAlone(t *testing.T) {
	for _, dependency := range dependencies(t, "transcode") {
		external := strings.Contains(strings.SplitN(dependency, "/", 2)[0], ".")
		if external && dependency != module+"transcode" && !strings.HasPrefix(dependency, "google.golang.org/protobuf/") {
			t.Errorf("transcode depends on %s", dependency)
		}
	}
}

func matches(dependency, rule string) bool {
	return dependency == rule || strings.HasSuffix(rule, "/") && strings.HasPrefix(dependency, rule)
}

func dependencies(t *testing.T, name string) []string {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "go", "list", "-deps", module+name).Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	return strings.Fields(string(out))
}
