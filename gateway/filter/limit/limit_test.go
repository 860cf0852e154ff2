package limit_test

import (
	"context"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"github.com/mqrpc/mqrpc/gateway"
	"github.com/mqrpc/mqrpc/gateway/filter/limit"
	"github.com/mqrpc/mqrpc/gateway/gatewaytest"
	"github.com/mqrpc/mqrpc/runtime"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// TestCallsInFlight: a slow API leaves room for the others.
func TestCallsInFlight(t *testing.T) {
	started, release := make(chan struct{}), make(chan struct{})
	g := gatewaytest.New(t, gateway.Config{
		Filters: []gateway.Filter{limit.InFlight(1)},
		Caller: gatewaytest.Caller(func(_ context.Context, call *runtime.Call) (*runtime.Reply, error) {
			if call.Method.Version == "1.0" {
				started <- struct{}{}
				<-release
			}
			return &runtime.Reply{}, nil
		}),
	})
	first := make(chan int)
	go func() { first <- gatewaytest.Post(g, gatewaytest.FormType, gatewaytest.SessionKey).Code }()
	<-started
	w := gatewaytest.Post(g, gatewaytest.FormType, gatewaytest.SessionKey)
	if f := gatewaytest.FailureOf(t, w); w.Code != 503 || f.Reason() != gateway.ReasonTooManyCalls || w.Header().Get("Retry-After") != "1" {
		t.Errorf("got %d %s", w.Code, w.Body)
	}
	if w := gatewaytest.Post(g, gatewaytest.FormType, strings.Replace(gatewaytest.SessionKey, "1.0", "1.1", 1)); w.Code != 200 {
		t.Errorf("the other version: got %d %s", w.Code, w.Body)
	}
	close(release)
	if got := <-first; got != 200 {
		t.Errorf("the first call: %d", got)
	}
	go func() { <-started }()
	if w := gatewaytest.Post(g, gatewaytest.FormType, gatewaytest.SessionKey); w.Code != 200 {
		t.Errorf("afterwards: %d %s", w.Code, w.Body)
	}
}
