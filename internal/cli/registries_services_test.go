//go:build services

package cli

import (
	"crypto/rand"
	"strings"
	"testing"

	"github.com/mqrpc/mqrpc/internal/testserver"
)

// TestRegistries: the commands work on every kind of registry.
func TestRegistries(t *testing.T) {
	root := "/mqrpc-cli-" + strings.ToLower(rand.Text())
	for name, url := range map[string]string{
		"postgres":  testserver.Start(t, testserver.PostgreSQL, testserver.Options{}).Address(),
		"zookeeper": "zookeeper://" + testserver.Shared(t, testserver.ZooKeeper) + root,
		"etcd":      "etcd://" + strings.TrimPrefix(testserver.Shared(t, testserver.Etcd), "http://") + root,
	} {
		t.Run(name, func(t *testing.T) {
			s := newStage(t)
			do := func(code int, want string, args ...string) {
				t.Helper()
				p := s.run(t, code, "", append([]string{"api"}, append(args, "--registry", url)...)...)
				if got := p.out.String() + p.err.String(); !strings.Contains(got, want) {
					t.Errorf("%v: got %s, want %q", args, got, want)
				}
			}
			do(exitOK, "wxapp/1.0: pushed (", "push", "-I", wxappProto, wxappProto+"/wxapp/v1/wxapp.proto")
			do(exitOK, "wxapp/1.0: policy set (", "policy", "set", "wxapp/1.0", "--timeout", "7s")
			do(exitOK, `"timeout": "7s"`, "policy", "show", "wxapp/1.0")
			do(exitOK, "mqrpc api push", "history", "wxapp/1.0")
			dir := variant(t, "bytes code = 1", "bytes code = 2")
			do(exitIncompatible, "FIELD_RENUMBERED", "push", "-I", dir, dir+"/wxapp/v1/wxapp.proto")
			do(exitOK, "wxapp/1.0: deleted (", "delete", "wxapp/1.0")
			do(exitOK, "(deleted)", "list", "--deleted")
		})
	}
}
