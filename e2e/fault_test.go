//go:build services

package e2e_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"google.golang.org/grpc/codes"

	"github.com/mqrpc/mqrpc/internal/faultproxy"
	"github.com/mqrpc/mqrpc/internal/testbroker"
	"github.com/mqrpc/mqrpc/runtime"
	"github.com/mqrpc/mqrpc/runtime/rabbitmq"
	"github.com/mqrpc/mqrpc/runtime/transport"
)

// private is a broker that tests may kill. They do not run in parallel.
var private testbroker.Lazy

func init() { closeBrokers = private.Close }

// rigOn is a rig on the broker at the address.
func rigOn(t *testing.T, address string) *rig {
	return newRig(t, func() transport.Transport { return connectTo(t, rabbitmq.Config{URLs: []string{address}}) })
}

// through returns the broker's URL by way of a proxy.
func through(t *testing.T, broker string) (*faultproxy.Proxy, string) {
	t.Helper()
	u, err := url.Parse(broker)
	if err != nil {
		t.Fatal(err)
	}
	proxy := faultproxy.New(t, u.Host)
	u.Host = proxy.Addr()
	return proxy, u.String()
}

func TestKilledWorkersIdempotentCallRunsOnAnother(t *testing.T) {
	address := testbroker.Shared(t)
	r := rigOn(t, address)
	victim := startWorkerProcess(t, address, r.echo)
	client := r.client(runtime.ClientConfig{})
	result := make(chan string, 1)
	go func() {
		out, err := invoke(t.Context(), client, r.echo.sleep, "1ms")
		result <- fmt.Sprint(out, err)
	}()
	victim.expect("started 1ms")
	r.worker("survivor", runtime.WorkerConfig{})
	killed := time.Now()
	victim.kill()
	if got := <-result; got != "survivor<nil>" {
		t.Errorf("the call got %q, want the survivor's answer", got)
	}
	t.Logf("answered by the survivor %v after the kill", time.Since(killed).Round(time.Millisecond))
}

func TestKilledWorkersOtherCallIsAbortedAtOnce(t *testing.T) {
	address := testbroker.Shared(t)
	r := rigOn(t, address)
	victim := startWorkerProcess(t, address, r.echo)
	client := r.client(runtime.ClientConfig{})
	result := make(chan error, 1)
	go func() {
		_, err := invoke(t.Context(), client, r.echo.hold, "pay")
		result <- err
	}()
	victim.expect("started pay")
	survivor := r.worker("survivor", runtime.WorkerConfig{})
	killed := time.Now()
	victim.kill()
	err := <-result
	expectCode(t, err, codes.Aborted)
	expectQuick(t, killed, 5*time.Second)
	if runs := survivor.server.runsOf("pay"); runs != 0 {
		t.Errorf("the survivor ran the call %d times", runs)
	}
	t.Logf("aborted %v after the kill: %v", time.Since(killed).Round(time.Millisecond), err)
}

func TestKilledLastWorkersQueueStays(t *testing.T) {
	address := testbroker.Shared(t)
	r := rigOn(t, address)
	startWorkerProcess(t, address, r.echo).kill()
	_, err := invoke(within(t, 200*time.Millisecond), r.client(runtime.ClientConfig{}), r.echo.echo, "x")
	expectCode(t, err, codes.DeadlineExceeded)
}

// TestBrokerRestart restarts the broker under calls that may be repeated: none
// of them fails, new ones fail at once while it is away, and all is well soon
// after it is back.
func TestBrokerRestart(t *testing.T) {
	for _, how := range []string{"stopped", "killed"} {
		t.Run(how, func(t *testing.T) {
			broker := private.Get(t)
			r := rigOn(t, broker.URL())
			worker := r.worker("w", runtime.WorkerConfig{})
			client := r.client(runtime.ClientConfig{Timeout: time.Minute})
			mustInvoke(t, client, r.echo.echo, "before")

			var callers sync.WaitGroup
			for range 50 {
				callers.Go(func() { mustInvoke(t, client, r.echo.sleep, "2s") })
			}
			eventually(t, 10*time.Second, "the calls are running", func() bool { return worker.Stats().Running == 50 })
			if how == "killed" {
				broker.Kill()
			} else {
				broker.Stop()
			}
			// A call that was sent as the broker died waits for its return, as
			// those above do.
			eventually(t, 10*time.Second, "new calls fail at once", func() bool {
				_, err := invoke(within(t, 100*time.Millisecond), client, r.echo.echo, "during")
				return runtime.CodeOf(err) == codes.Unavailable
			})

			broker.Start()
			back := time.Now()
			eventually(t, 3*time.Second, "calls work again", func() bool {
				_, err := invoke(within(t, time.Second), client, r.echo.echo, "after")
				return err == nil
			})
			t.Logf("calls work %v after the broker is back", time.Since(back).Round(time.Millisecond))
			callers.Wait()
			t.Logf("the calls under way have ended; the client: %+v; the worker: %+v", client.Stats(), worker.Stats())
		})
	}
}

// TestBrokerRestartUnderTraffic starts a call every millisecond, whatever
// became of those before it, and counts what callers see of a restart.
func TestBrokerRestartUnderTraffic(t *testing.T) {
	broker := private.Get(t)
	r := rigOn(t, broker.URL())
	r.worker("w", runtime.WorkerConfig{})
	client := r.client(runtime.ClientConfig{Timeout: 20 * time.Second})
	mustInvoke(t, client, r.echo.echo, "before")

	seen := newOutcomes()
	var calls sync.WaitGroup
	stop := every(time.Millisecond, func() {
		calls.Go(func() {
			began := time.Now()
			_, err := invoke(t.Context(), client, r.echo.echo, "x")
			seen.add(runtime.CodeOf(err), time.Since(began))
		})
	})
	eventually(t, 5*time.Second, "traffic", func() bool { return seen.count(codes.OK) > 500 })
	broker.Kill()
	eventually(t, 10*time.Second, "callers learn of it", func() bool { return seen.count(codes.Unavailable) > 100 })
	broker.Start()
	before := seen.count(codes.OK)
	eventually(t, 10*time.Second, "traffic goes on", func() bool { return seen.count(codes.OK) > before+500 })
	stop()
	calls.Wait()
	for code, n := range seen.counts {
		if code != codes.OK && code != codes.Unavailable {
			t.Errorf("%d calls ended with %v", n, code)
		}
	}
	t.Logf("%d answered, %d UNAVAILABLE; the slowest answer took %v, the slowest failure %v",
		seen.counts[codes.OK], seen.counts[codes.Unavailable],
		seen.slowest[codes.OK].Round(time.Millisecond), seen.slowest[codes.Unavailable].Round(time.Millisecond))
}

// every calls f at an interval until stop is called.
func every(interval time.Duration, f func()) (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	var loop sync.WaitGroup
	loop.Go(func() {
		tick := time.NewTicker(interval)
		defer tick.Stop()
		for {
			select {
			case <-tick.C:
				f()
			case <-ctx.Done():
				return
			}
		}
	})
	return func() { cancel(); loop.Wait() }
}

// outcomes counts calls by their code.
type outcomes struct {
	mu      sync.Mutex
	counts  map[codes.Code]int
	slowest map[codes.Code]time.Duration
}

func newOutcomes() *outcomes {
	return &outcomes{counts: map[codes.Code]int{}, slowest: map[codes.Code]time.Duration{}}
}

func (o *outcomes) add(code codes.Code, took time.Duration) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.counts[code]++
	o.slowest[code] = max(o.slowest[code], took)
}

func (o *outcomes) count(code codes.Code) int {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.counts[code]
}

// TestCutClientGetsEveryReply cuts the client's connection while replies are on
// their way to it. The method may not run twice.
func TestCutClientGetsEveryReply(t *testing.T) {
	for how, cut := range map[string]func(*faultproxy.Proxy){
		"before the replies": func(p *faultproxy.Proxy) {
			p.Refuse(true)
			p.Cut()
		},
		// The broker has sent the replies, and the client has not read them.
		"under the replies": func(p *faultproxy.Proxy) { p.FreezeDownstream() },
	} {
		t.Run(how, func(t *testing.T) {
			address := testbroker.Shared(t)
			proxy, clientURL := through(t, address)
			r := rigOn(t, address)
			worker := r.worker("w", runtime.WorkerConfig{})
			client := r.clientOn(rigOn(t, clientURL).connect(), runtime.ClientConfig{Timeout: 30 * time.Second})
			const calls = 200
			var callers sync.WaitGroup
			for i := range calls {
				callers.Go(func() { mustInvoke(t, client, r.echo.hold, fmt.Sprint(i)) })
			}
			eventually(t, 10*time.Second, "all calls run", func() bool { return worker.Stats().Running == calls })
			cut(proxy)
			close(worker.server.release)
			eventually(t, 10*time.Second, "all replies are sent", func() bool { return worker.Stats().Replies == calls })
			proxy.Cut()
			proxy.Thaw()
			proxy.Refuse(false)
			restored := time.Now()
			callers.Wait()
			t.Logf("all %d replies arrived %v after the connection could be restored", calls, time.Since(restored).Round(time.Millisecond))
			for i := range calls {
				if runs := worker.server.runsOf(fmt.Sprint(i)); runs != 1 {
					t.Errorf("call %d ran %d times", i, runs)
				}
			}
		})
	}
}

// TestCutWorkerAnswersWhatItRuns cuts the worker's connection in mid-call. The
// broker delivers the call again; the run under way answers it.
func TestCutWorkerAnswersWhatItRuns(t *testing.T) {
	address := testbroker.Shared(t)
	proxy, workerURL := through(t, address)
	r := rigOn(t, address)
	worker := r.workerOn(rigOn(t, workerURL).connect(), "w", runtime.WorkerConfig{})
	client := r.client(runtime.ClientConfig{})
	result := make(chan string, 1)
	go func() {
		out, err := invoke(t.Context(), client, r.echo.hold, "pay")
		result <- fmt.Sprint(out, err)
	}()
	<-worker.server.started
	proxy.Cut()
	mustInvoke(t, client, r.echo.echo, "the worker is back")
	close(worker.server.release)
	if got := <-result; got != "w:pay<nil>" {
		t.Errorf("the call got %q", got)
	}
	if runs := worker.server.runsOf("pay"); runs != 1 {
		t.Errorf("the call ran %d times", runs)
	}
}

// TestSilentConnectionIsGivenUp freezes the route to the broker without
// closing anything: heartbeats find out, and the other route is taken.
func TestSilentConnectionIsGivenUp(t *testing.T) {
	address := testbroker.Shared(t)
	first, firstURL := through(t, address)
	second, secondURL := through(t, address)
	r := rigOn(t, address)
	r.worker("w", runtime.WorkerConfig{})
	client := r.clientOn(connectTo(t, rabbitmq.Config{
		URLs: []string{firstURL, secondURL}, Heartbeat: time.Second, DialTimeout: time.Second,
	}), runtime.ClientConfig{})
	mustInvoke(t, client, r.echo.echo, "x")
	if first.Open() > 0 {
		first.Freeze()
	} else {
		second.Freeze()
	}
	frozen := time.Now()
	eventually(t, 20*time.Second, "calls take the other route", func() bool {
		_, err := invoke(within(t, 500*time.Millisecond), client, r.echo.echo, "x")
		return err == nil
	})
	t.Logf("calls took the other route after %v, with heartbeats every second", time.Since(frozen).Round(time.Millisecond))
}

func TestBlockedBrokerFailsCallsAtOnce(t *testing.T) {
	broker := private.Get(t)
	r := rigOn(t, broker.URL())
	r.worker("w", runtime.WorkerConfig{})
	client := r.client(runtime.ClientConfig{})
	mustInvoke(t, client, r.echo.echo, "before")

	broker.Block()
	for i := range 3 {
		began := time.Now()
		_, err := invoke(t.Context(), client, r.echo.once, "during")
		if i == 0 && errors.Is(err, transport.ErrLost) {
			expectCode(t, err, codes.Aborted) // it met the block, and may run when that ends
		} else {
			expectCode(t, err, codes.Unavailable)
		}
		if !errors.Is(err, transport.ErrBlocked) {
			t.Errorf("%v is not ErrBlocked", err)
		}
		expectQuick(t, began, time.Second)
		t.Logf("call %d failed after %v: %v", i+1, time.Since(began).Round(time.Millisecond), err)
	}
	broker.Unblock()
	eventually(t, 5*time.Second, "calls work again", func() bool {
		_, err := invoke(t.Context(), client, r.echo.echo, "after")
		return err == nil
	})
}

func TestTLSWithClientCertificates(t *testing.T) {
	files := testbroker.MakeTLS(t)
	broker := testbroker.Start(t, testbroker.Options{TLS: files})

	r := newRig(t, func() transport.Transport {
		return connectTo(t, rabbitmq.Config{URLs: []string{broker.TLSURL()}, TLS: files.ClientConfig(t)})
	})
	r.worker("w", runtime.WorkerConfig{})
	mustInvoke(t, r.client(runtime.ClientConfig{}), r.echo.echo, "over TLS")

	stranger := r.clientOn(connectTo(t, rabbitmq.Config{
		URLs: []string{broker.TLSURL()}, TLS: files.ConfigWithoutCertificate(t),
	}), runtime.ClientConfig{})
	// The error is the broker's alert or the end of the connection, whichever
	// comes first: with TLS 1.3 the client's part of the handshake has succeeded.
	_, err := invoke(t.Context(), stranger, r.echo.echo, "x")
	expectCode(t, err, codes.Unavailable)
	t.Logf("without a certificate: %v", err)
}

func TestDeadBrokerOfSeveralIsPassedOver(t *testing.T) {
	u, err := url.Parse(testbroker.Shared(t))
	if err != nil {
		t.Fatal(err)
	}
	dead := *u
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	dead.Host = listener.Addr().String()
	if err := listener.Close(); err != nil {
		t.Fatal(err)
	}
	r := newRig(t, func() transport.Transport {
		return connectTo(t, rabbitmq.Config{URLs: []string{dead.String(), u.String(), dead.String()}})
	})
	r.worker("w", runtime.WorkerConfig{})
	mustInvoke(t, r.client(runtime.ClientConfig{}), r.echo.echo, "x")
}

func TestWrongPasswordIsTold(t *testing.T) {
	u, err := url.Parse(testbroker.Shared(t))
	if err != nil {
		t.Fatal(err)
	}
	u.User = url.UserPassword("guest", "hunter2")
	r := rigOn(t, u.String())
	conn := r.connect()
	// The broker takes some seconds to refuse a password.
	eventually(t, 20*time.Second, "the broker refuses", func() bool {
		return strings.Contains(fmt.Sprint(conn.State().Err), "username or password")
	})
	_, err = invoke(t.Context(), r.clientOn(conn, runtime.ClientConfig{}), r.echo.echo, "x")
	expectCode(t, err, codes.Unavailable)
	if !strings.Contains(err.Error(), "username or password") || strings.Contains(err.Error(), "hunter2") {
		t.Errorf("%q does not name the credentials as the reason, or tells the password", err)
	}
}

func TestQuorumQueue(t *testing.T) {
	r := rigOn(t, testbroker.Shared(t))
	worker := r.worker("w", runtime.WorkerConfig{Quorum: true})
	mustInvoke(t, r.client(runtime.ClientConfig{}), r.echo.echo, "replicated")
	if err := worker.stop(); err != nil {
		t.Errorf("stop: %v", err)
	}
}
