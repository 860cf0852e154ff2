//go:build services

package e2e_test

import (
	"context"
	"errors"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"google.golang.org/grpc/codes"

	"github.com/mqrpc/mqrpc/examples/wxapp/manager"
	wxappv1 "github.com/mqrpc/mqrpc/examples/wxapp/proto/wxapp/v1"
	"github.com/mqrpc/mqrpc/gateway"
	"github.com/mqrpc/mqrpc/internal/testserver"
	"github.com/mqrpc/mqrpc/runtime"
	"github.com/mqrpc/mqrpc/runtime/rabbitmq"
)

// What WxappManager.SessionKey gets and answers, and what the policies of these
// tests answer in its place.
const (
	sessionKey   = "WxappManager.SessionKey"
	sendMessage  = "WxappManager.SendMessage"
	code         = `{"Code":"d3JmZGZkc2Y="}`
	session      = `{"SessionKey":"WWFZPria9EKhZUiOtJ+WSA=="}`
	standIn      = `{"SessionKey":"c3RhbmQtaW4="}`
	otherStandIn = `{"SessionKey":"b3RoZXI="}`
)

// The answers by name.
var (
	fromWorker      = answer{http.StatusOK, session, ""}
	insteadOfWorker = answer{http.StatusOK, standIn, gateway.DefaultBecauseAbsent}
)

// registries are the kinds of servers that a registry may be in.
var registries = []struct {
	service testserver.Service
	url     func(address string) string
}{
	{testserver.Etcd, func(address string) string { return "etcd://" + strings.TrimPrefix(address, "http://") + "/mqrpc" }},
	{testserver.ZooKeeper, func(address string) string { return "zookeeper://" + address + "/mqrpc" }},
	{testserver.PostgreSQL, func(address string) string { return address }},
}

// onEachRegistry runs a test with a gateway at each kind of registry, which
// holds wxapp 1.0 with a default response. The gateway is not yet started.
func onEachRegistry(t *testing.T, test func(t *testing.T, server *testserver.Server, g *gatewayProcess)) {
	for _, kind := range registries {
		t.Run(string(kind.service), func(t *testing.T) {
			server := testserver.Start(t, kind.service, testserver.Options{})
			test(t, server, withWxapp(t, kind.url(server.Address()), t.TempDir()))
		})
	}
}

// withWxapp prepares a gateway and pushes wxapp 1.0 to its registry. The broker
// is not the one that other packages' tests use: they serve wxapp, too.
func withWxapp(t *testing.T, registry, snapshotDir string) *gatewayProcess {
	t.Helper()
	g := newGatewayProcess(t, private.Get(t).URL(), registry, snapshotDir)
	// A ZooKeeper that has just started refuses sessions for some milliseconds.
	var refused string
	defer func() {
		if t.Failed() {
			t.Log(refused)
		}
	}()
	eventually(t, 10*time.Second, "the registry takes the API", func() bool {
		var err error
		refused, err = g.try("api", "push", "../examples/wxapp/proto/wxapp/v1/wxapp.proto", "-I", "../examples/wxapp/proto")
		return err == nil
	})
	g.tool("api", "policy", "set", "wxapp/1.0", "--method", sessionKey, "--default-response", standIn)
	return g
}

// startWxapp starts a worker of wxapp 1.0 and waits until it is ready.
func startWxapp(t *testing.T) (stop func()) {
	t.Helper()
	transport := connectTo(t, rabbitmq.Config{URLs: []string{private.Get(t).URL()}})
	worker := runtime.NewWorker(transport, runtime.WorkerConfig{Logger: quiet()})
	wxappv1.RegisterWxappManagerServer(worker, &manager.V1{})
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- worker.Run(ctx) }()
	stop = sync.OnceFunc(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("the worker: %v", err)
		}
		if err := transport.Close(context.Background()); err != nil {
			t.Errorf("the worker's transport: %v", err)
		}
	})
	t.Cleanup(stop)
	select {
	case <-worker.Ready():
	case <-time.After(20 * time.Second):
		t.Fatal("the worker is not ready after 20 s")
	}
	return stop
}

// expect makes a call and compares the answer.
func (g *gatewayProcess) expect(want answer) {
	g.t.Helper()
	if got, err := g.call(sessionKey, code); err != nil || got != want {
		g.t.Fatalf("got %+v, %v, want %+v", got, err, want)
	}
}

// soon waits for an answer, and returns how long it took and how many calls.
func (g *gatewayProcess) soon(limit time.Duration, what string, want answer) (took time.Duration, calls int) {
	g.t.Helper()
	began := time.Now()
	eventually(g.t, limit, what, func() bool {
		calls++
		got, err := g.call(sessionKey, code)
		return err == nil && got == want
	})
	return time.Since(began).Round(time.Millisecond), calls
}

// traffic starts a call every two milliseconds. A call that is not answered as
// want fails the test.
func (g *gatewayProcess) traffic(want answer) (seen *outcomes, stop func()) {
	seen = newOutcomes()
	var calls sync.WaitGroup
	end := every(2*time.Millisecond, func() {
		calls.Go(func() {
			began := time.Now()
			got, err := g.call(sessionKey, code)
			if err == nil && got == want {
				seen.add(codes.OK, time.Since(began))
				return
			}
			seen.add(codes.Unknown, time.Since(began))
			if seen.count(codes.Unknown) <= 5 {
				g.t.Errorf("got %+v, %v, want %+v", got, err, want)
			}
		})
	})
	return seen, func() { end(); calls.Wait() }
}

// TestRegistryKilledUnderLoad: calls of an API that is loaded do not notice
// that the registry is killed and comes back, and neither does its policy.
func TestRegistryKilledUnderLoad(t *testing.T) {
	onEachRegistry(t, func(t *testing.T, server *testserver.Server, g *gatewayProcess) {
		g.tool("api", "policy", "set", "wxapp/1.0", "--method", sendMessage, "--disabled")
		startWxapp(t)
		g.start()
		g.expect(fromWorker)
		expectDisabled := func() {
			t.Helper()
			if got, err := g.call(sendMessage, `{"SessionKey":"WWFZPria9EKhZUiOtJ+WSA==","Text":"hi"}`); err != nil || got.status != http.StatusServiceUnavailable {
				t.Errorf("a disabled method: got %+v, %v", got, err)
			}
		}
		expectDisabled()

		seen, stop := g.traffic(fromWorker)
		eventually(t, 10*time.Second, "traffic", func() bool { return seen.count(codes.OK) > 500 })
		before := seen.count(codes.OK)
		server.Kill()
		down := time.Now()
		// That is some 3 s.
		eventually(t, 30*time.Second, "traffic without the registry", func() bool { return seen.count(codes.OK) > before+1500 })
		expectDisabled()
		server.Start()
		away := time.Since(down)
		before = seen.count(codes.OK)
		eventually(t, 10*time.Second, "traffic goes on", func() bool { return seen.count(codes.OK) > before+500 })
		stop()
		if failed := seen.count(codes.Unknown); failed > 0 {
			t.Errorf("%d calls failed", failed)
		}
		t.Logf("%d calls answered; the registry was away for %v; the slowest call took %v",
			seen.count(codes.OK), away.Round(time.Millisecond), seen.slowest[codes.OK].Round(time.Millisecond))

		began := time.Now()
		g.tool("api", "disable", "wxapp/1.0")
		ordered := time.Since(began)
		took, _ := g.soon(30*time.Second, "a change has taken effect", answer{http.StatusOK, standIn, gateway.DefaultBecauseDisabled})
		g.tool("api", "enable", "wxapp/1.0")
		g.soon(30*time.Second, "another one has", fromWorker)
		t.Logf("after that, a change took effect %v after the command, which took %v, had ended", took, ordered.Round(time.Millisecond))
		g.stop()
	})
}

// TestGatewayStartsFromTheSnapshot: a gateway that starts while the registry is
// down serves what it knew, with the policy, says so, and catches up.
func TestGatewayStartsFromTheSnapshot(t *testing.T) {
	onEachRegistry(t, func(t *testing.T, server *testserver.Server, g *gatewayProcess) {
		stopWorker := startWxapp(t)
		g.start()
		g.expect(fromWorker)
		if status, body := g.readiness(); status != http.StatusOK || !body.Available || body.Snapshot {
			t.Errorf("with the registry: %d %+v", status, body)
		}
		g.stop()
		stopWorker()
		server.Kill()

		ready := g.start()
		began := time.Now()
		g.expect(insteadOfWorker)
		first := time.Since(began)
		if status, body := g.readiness(); status != http.StatusOK || body.Available || !body.Snapshot || body.SnapshotAPIs != 1 {
			t.Errorf("without the registry: %d %+v", status, body)
		}
		stopWorker = startWxapp(t)
		g.soon(time.Second, "a worker answers", fromWorker)
		stopWorker()
		g.soon(time.Second, "the worker is gone", insteadOfWorker)
		t.Logf("without the registry the gateway was ready after %v, and its first answer took %v",
			ready.Round(time.Millisecond), first.Round(time.Millisecond))

		server.Start()
		back := time.Now()
		eventually(t, 75*time.Second, "the gateway sees that the registry is back", func() bool {
			status, body := g.readiness()
			return status == http.StatusOK && body.Available && !body.Snapshot && body.SnapshotAPIs == 0
		})
		t.Logf("/readyz says so %v after the registry was back", time.Since(back).Round(time.Millisecond))
		g.expect(insteadOfWorker)
		g.tool("api", "policy", "set", "wxapp/1.0", "--method", sessionKey, "--default-response", otherStandIn)
		took, _ := g.soon(10*time.Second, "a change has taken effect", answer{http.StatusOK, otherStandIn, gateway.DefaultBecauseAbsent})
		t.Logf("a change took effect %v after the command", took)
		g.stop()
	})
}

// TestSnapshotIsOutOfDate: what was changed while a gateway was stopped comes
// into effect when the registry is back, without a further change.
func TestSnapshotIsOutOfDate(t *testing.T) {
	onEachRegistry(t, func(t *testing.T, server *testserver.Server, g *gatewayProcess) {
		g.start()
		g.expect(insteadOfWorker)
		g.stop()
		g.tool("api", "policy", "set", "wxapp/1.0", "--method", sessionKey, "--default-response", otherStandIn)
		server.Kill()
		g.start()
		g.expect(insteadOfWorker)
		server.Start()
		took, _ := g.soon(75*time.Second, "the gateway catches up", answer{http.StatusOK, otherStandIn, gateway.DefaultBecauseAbsent})
		t.Logf("caught up %v after the registry was back", took)
		g.stop()
	})
}

// TestDamagedSnapshotIsPassedOver: a gateway whose snapshot is damaged starts
// without it and says so; then workers and the registry are asked as ever.
func TestDamagedSnapshotIsPassedOver(t *testing.T) {
	server := testserver.Start(t, testserver.Etcd, testserver.Options{})
	dir := t.TempDir()
	g := withWxapp(t, registries[0].url(server.Address()), dir)
	g.start()
	g.expect(insteadOfWorker)
	g.stop()
	server.Kill()
	if err := damageAll(dir); err != nil {
		t.Fatal(err)
	}

	g.start()
	if got, err := g.call(sessionKey, code); err != nil || got.status != http.StatusServiceUnavailable {
		t.Errorf("got %+v, %v, want 503", got, err)
	}
	// The gateway has written it, and its log is read beside the test.
	eventually(t, 5*time.Second, "the damage is in the log", func() bool { return g.log.contains("a snapshot is damaged") })
	if status, body := g.readiness(); status != http.StatusOK || body.Available || body.Snapshot {
		t.Errorf("got %d %+v, want 200 without registry and snapshot", status, body)
	}
	stopWorker := startWxapp(t)
	took, calls := g.soon(5*time.Second, "the worker is asked for its contract", fromWorker)
	t.Logf("with a worker it answered after %v, at call %d", took, calls)
	server.Start()
	stopWorker()
	took, _ = g.soon(75*time.Second, "the registry's policy has taken effect", insteadOfWorker)
	t.Logf("the registry's policy took effect %v after it was back", took)
	g.stop()

	// The damaged file was replaced by a good one.
	server.Kill()
	g.start()
	g.expect(insteadOfWorker)
	g.stop()
}

// damageAll overwrites the second half of every file with zeros, as a power
// failure may. It fails if there is no file.
func damageAll(dir string) error {
	damaged := 0
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		content, err := os.ReadFile(path)
		if err != nil || len(content) == 0 {
			return err
		}
		clear(content[len(content)/2:])
		damaged++
		return os.WriteFile(path, content, 0o600)
	})
	if err == nil && damaged == 0 {
		return errors.New("the snapshot has no files")
	}
	return err
}

// TestWorkerAndGatewayNeverMet: without a registry, a worker of an API that the
// gateway has just denied is served.
func TestWorkerAndGatewayNeverMet(t *testing.T) {
	g := newGatewayProcess(t, private.Get(t).URL(), "none", t.TempDir())
	g.start()
	if got, err := g.call(sessionKey, code); err != nil || got.status != http.StatusNotFound {
		t.Fatalf("got %+v, %v, want 404", got, err)
	}
	stopWorker := startWxapp(t)
	took, calls := g.soon(time.Second, "the worker is found", fromWorker)
	t.Logf("the first answer came %v after the worker's readiness, to call %d", took, calls)
	stopWorker()
	if got, err := g.call(sessionKey, code); err != nil || got.status != http.StatusServiceUnavailable {
		t.Errorf("without the worker: got %+v, %v, want 503", got, err)
	}
	g.stop()
}
