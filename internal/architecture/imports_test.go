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
	"contract":         {"net", "net/http"},
	"contract/source":  {module + "runtime", module + "wire", module + "registry", module + "gateway", "net/http"},
	"runtime":          append([]string{module + "contract/source", module + "contract/printing", module + "gateway", module + "registry", module + "runtime/rabbitmq", "github.com/rabbitmq/"}, heavy...),
	"runtime/memory":   append([]string{"github.com/rabbitmq/"}, heavy...),
	"runtime/rabbitmq": append([]string{module + "gateway", module + "registry"}, heavy...),
	"gateway":          {module + "contract/source", module + "contract/printing", "github.com/rabbitmq/", "database/sql", "modernc.org/", "github.com/jackc/", "github.com/go-zookeeper/", "go.etcd.io/", "github.com/spf13/", "github.com/knadh/"},
	"catalog":          {module + "contract/source", module + "contract/printing", module + "gateway", module + "runtime/rabbitmq", module + "runtime/memory", module + "registry/", "github.com/rabbitmq/"},
	"registry":         {module + "contract/source", module + "contract/printing", module + "gateway", module + "catalog", "github.com/rabbitmq/", "database/sql", "modernc.org/", "github.com/jackc/", "github.com/go-zookeeper/", "go.etcd.io/"},
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

// grounds are the packages at the bottom: they may depend on the standard
// library, on protobuf and on these.
var grounds = map[string][]string{
	"transcode":       nil,
	"contract":        {module + "proto/"},
	"contract/compat": {module + "contract", module + "proto/"},
	"wire":            {module + "contract", module + "proto/"},
}

func TestGrounds(t *testing.T) {
	for name, allowed := range grounds {
		allowed = append(allowed, module+name, "google.golang.org/protobuf/")
		t.Run(name, func(t *testing.T) {
			for _, dependency := range dependencies(t, name) {
				external := strings.Contains(strings.SplitN(dependency, "/", 2)[0], ".")
				if external && !slices.ContainsFunc(allowed, func(rule string) bool { return matches(dependency, rule) }) {
					t.Errorf("%s depends on %s", name, dependency)
				}
			}
		})
	}
}

// TestFrontsAndFilters: they know the pipeline, and not one another.
func TestFrontsAndFilters(t *testing.T) {
	const gateway = module + "gateway/"
	listed, err := exec.CommandContext(t.Context(), "go", "list", gateway+"...").Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	for found := range strings.FieldsSeq(string(listed)) {
		if !strings.HasPrefix(found, gateway) || found == gateway+"gatewaytest" {
			continue
		}
		for _, dependency := range dependencies(t, strings.TrimPrefix(found, module)) {
			if strings.HasPrefix(dependency, gateway) && !matches(dependency, found+"/") && dependency != found {
				t.Errorf("%s depends on %s", found, dependency)
			}
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
