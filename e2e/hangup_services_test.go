//go:build services

package e2e_test

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/mqrpc/mqrpc/gateway"
	"github.com/mqrpc/mqrpc/gateway/form"
	"github.com/mqrpc/mqrpc/internal/testbroker"
	"github.com/mqrpc/mqrpc/runtime"
	"github.com/mqrpc/mqrpc/runtime/rabbitmq"
	"github.com/mqrpc/mqrpc/runtime/transport"
)

// hangUpWithin is how soon the context of a handler ends after the gateway's client
// has closed its connection.
const hangUpWithin = 50 * time.Millisecond

// TestHTTPClientThatHangsUpEndsTheHandler on each of several instances, while
// another one is frozen.
func TestHTTPClientThatHangsUpEndsTheHandler(t *testing.T) {
	t.Parallel()
	broker := testbroker.Shared(t)
	r := newRig(t, func() transport.Transport { return connectTo(t, rabbitmq.Config{URLs: []string{broker}}) })
	frozen := startWorkerProcess(t, broker, r.echo)
	if err := frozen.command.Process.Signal(syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	workers := []*runningWorker{r.worker("a", runtime.WorkerConfig{}), r.worker("b", runtime.WorkerConfig{})}
	address := r.gateway()
	// A busy machine may be late. What is late by construction is so every time.
	const rounds = 10
	for range rounds {
		took := hangUp(t, r, address, workers)
		t.Logf("the handlers ended %v after their callers had hung up", took.Round(time.Millisecond))
		if took <= hangUpWithin {
			return
		}
	}
	t.Errorf("in none of %d rounds did the handlers end within %v", rounds, hangUpWithin)
}

// hangUp makes calls over HTTP, closes their connections when some of them run on
// each of the workers, and says how long the handlers went on.
func hangUp(t *testing.T, r *rig, address string, workers []*runningWorker) time.Duration {
	t.Helper()
	const callers = 30
	client := &http.Client{Transport: &http.Transport{}}
	ctx, hangUp := context.WithCancel(t.Context())
	var calling sync.WaitGroup
	for range callers {
		calling.Go(func() {
			if err := postSleep(ctx, client, r, address); !errors.Is(err, context.Canceled) {
				t.Errorf("a client that hung up got %v", err)
			}
		})
	}
	running := func(ok func(running int) bool) bool {
		for _, w := range workers {
			if !ok(w.Stats().Running) {
				return false
			}
		}
		return true
	}
	eventually(t, 10*time.Second, "calls run on each instance", func() bool {
		return running(func(n int) bool { return n >= callers/6 })
	})
	began := time.Now()
	hangUp()
	eventually(t, 10*time.Second, "the handlers have ended", func() bool {
		return running(func(n int) bool { return n == 0 })
	})
	took := time.Since(began)
	calling.Wait()
	return took
}

// postSleep calls a method over HTTP that takes an hour.
func postSleep(ctx context.Context, client *http.Client, r *rig, address string) error {
	values := url.Values{
		"module": {r.echo.service.Module}, "version": {r.echo.service.Version},
		"method": {r.echo.sleep.Name}, "bizContent": {`"1h"`},
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+address+"/gateway", strings.NewReader(values.Encode()))
	if err != nil {
		return err
	}
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	response, err := client.Do(request)
	if err != nil {
		return err
	}
	return errors.Join(errors.New(response.Status), response.Body.Close())
}

// gateway serves a gateway over TCP that calls the rig's workers, and returns its
// address.
func (r *rig) gateway() string {
	r.t.Helper()
	source, err := gateway.Static(r.echo.service)
	if err != nil {
		r.t.Fatal(err)
	}
	g, err := gateway.New(gateway.Config{
		Caller: r.client(runtime.ClientConfig{}), Sources: []gateway.Source{source},
		Fronts: []gateway.Front{form.New()}, Logger: quiet(),
	})
	if err != nil {
		r.t.Fatal(err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		r.t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	served := make(chan error, 1)
	go func() { served <- g.Serve(ctx, listener, gateway.ServerConfig{}) }()
	r.t.Cleanup(func() {
		stop()
		if err := <-served; err != nil {
			r.t.Error(err)
		}
	})
	return listener.Addr().String()
}
