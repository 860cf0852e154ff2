package testserver

import (
	"os"
	"strings"
	"testing"

	"github.com/mqrpc/mqrpc/internal/servicescript"
	"github.com/mqrpc/mqrpc/internal/testbroker"
)

// Options say how a private server differs from the default one.
type Options struct {
	// TLS, if not nil, makes an etcd speak TLS and demand a client
	// certificate; see [testbroker.MakeTLS]. No other service has it.
	TLS *testbroker.TLSFiles
}

// Server is a private server of one test: whatever goes wrong fails that test,
// and the methods that change its state return when the change is in effect.
// Methods must not be called concurrently, save Address.
type Server struct {
	t       testing.TB
	dir     string
	start   []string // the script's arguments
	address string
}

// Start starts a private server for a test, and removes it with all its data
// when the test ends. If the test has failed by then, it logs the last lines of
// the server's log.
func Start(t testing.TB, service Service, opts Options) *Server {
	t.Helper()
	dir, err := servicescript.NewDir(string(service))
	if err != nil {
		t.Fatal(err)
	}
	s := &Server{t: t, dir: dir, start: []string{"start", "--service", string(service), dir}}
	if opts.TLS != nil {
		s.start = append(s.start, "--tls", opts.TLS.Dir)
	}
	t.Cleanup(s.remove)
	s.Start()
	return s
}

// Address returns the server's address. It stays the same when the server is
// stopped and started.
func (s *Server) Address() string { return s.address }

// Stop stops the server gracefully. Its data wait for Start.
func (s *Server) Stop() {
	s.t.Helper()
	s.node("stop", s.dir)
}

// Kill kills the server with SIGKILL. Its data wait for Start.
func (s *Server) Kill() {
	s.t.Helper()
	s.node("kill", s.dir)
}

// Start starts the server again after Stop or Kill, at the same address and
// with the same data. It does nothing while the server runs.
func (s *Server) Start() {
	s.t.Helper()
	s.address = strings.TrimSpace(s.node(s.start...))
}

// Logs returns what the server has logged since it was first started.
func (s *Server) Logs() string {
	s.t.Helper()
	return s.node("log", s.dir)
}

// remove is the cleanup; a server that never started has no log.
func (s *Server) remove() {
	if s.t.Failed() && s.address != "" {
		lines := strings.Split(strings.TrimSpace(s.Logs()), "\n")
		s.t.Logf("the end of the server's log:\n%s", strings.Join(lines[max(0, len(lines)-40):], "\n"))
	}
	if _, err := servicescript.Node("remove", s.dir); err != nil {
		s.t.Error(err)
	}
	if err := os.RemoveAll(s.dir); err != nil {
		s.t.Error(err)
	}
}

func (s *Server) node(args ...string) string {
	s.t.Helper()
	out, err := servicescript.Node(args...)
	if err != nil {
		s.t.Fatal(err)
	}
	return out
}
