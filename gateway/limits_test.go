package gateway_test

import (
	"context"
	"strings"
	"testing"

	"google.golang.org/grpc/codes"

	"github.com/mqrpc/mqrpc/catalog"
	"github.com/mqrpc/mqrpc/gateway"
	"github.com/mqrpc/mqrpc/gateway/gatewaytest"
	"github.com/mqrpc/mqrpc/runtime"
	"github.com/mqrpc/mqrpc/transcode"
)

// TestRequestsInFlight: the limit is for all APIs together.
func TestRequestsInFlight(t *testing.T) {
	gatewaytest.CheckOneCall(t, gateway.Config{Limits: gateway.Limits{InFlight: 1}}, 503)
}

// TestBytesInFlight: requests that hold many bytes leave no room for further
// bodies until they are over.
func TestBytesInFlight(t *testing.T) {
	started, release := make(chan struct{}), make(chan struct{})
	g := gatewaytest.New(t, gateway.Config{
		Limits: gateway.Limits{InFlightBytes: 900},
		Caller: gatewaytest.Caller(func(ctx context.Context, call *runtime.Call) (*runtime.Reply, error) {
			if len(call.Payload) > 300 {
				started <- struct{}{}
				<-release
			}
			return gatewaytest.Echo(ctx, call)
		}),
	})
	large := gatewaytest.Call("WxappManager.SessionKey", `{"Code":"`+strings.Repeat("YWJj", 200)+`"}`)
	first := make(chan int)
	go func() { first <- gatewaytest.Post(g, gatewaytest.FormType, large).Code }()
	<-started
	for range 3 { // What is refused holds nothing.
		w := gatewaytest.Post(g, gatewaytest.FormType, gatewaytest.SessionKey)
		if f := gatewaytest.FailureOf(t, w); w.Code != 503 || f.Reason() != gateway.ReasonTooManyBytes || w.Header().Get("Retry-After") != "1" {
			t.Errorf("got %d %s", w.Code, w.Body)
		}
	}
	close(release)
	if got := <-first; got != 200 {
		t.Errorf("the first call: %d", got)
	}
	for range 20 {
		if w := gatewaytest.Post(g, gatewaytest.FormType, gatewaytest.SessionKey); w.Code != 200 {
			t.Fatalf("afterwards: %d %s", w.Code, w.Body)
		}
	}
}

// TestResponsesCountAsBytes: a response that is being written holds memory, too,
// and so does an error.
func TestResponsesCountAsBytes(t *testing.T) {
	large := make([]byte, 912)
	for name, test := range map[string]struct {
		caller gatewaytest.Caller
		status int
	}{
		"response": {func(context.Context, *runtime.Call) (*runtime.Reply, error) {
			return &runtime.Reply{Payload: append([]byte("\x0a\x90\x07"), large...)}, nil
		}, 200},
		"error": {gatewaytest.Failing(runtime.ErrorFromProto(runtime.NewError(codes.NotFound, string(large)).Proto())), 404},
	} {
		t.Run(name, func(t *testing.T) {
			var g *gateway.Gateway
			meanwhile := 0
			holding := gateway.Filter{Stage: gateway.StageRecord, Wrap: func(_ *catalog.API, next gateway.Handler) gateway.Handler {
				return func(ctx context.Context, request *gateway.Request) gateway.Response {
					response := next(ctx, request)
					if meanwhile == 0 {
						meanwhile = 1
						meanwhile = gatewaytest.Post(g, gatewaytest.FormType, gatewaytest.SessionKey).Code
					}
					return response
				}
			}}
			g = gatewaytest.New(t, gateway.Config{
				Limits:  gateway.Limits{InFlightBytes: 1000},
				Filters: []gateway.Filter{holding},
				Caller:  test.caller,
			})
			if w := gatewaytest.Post(g, gatewaytest.FormType, gatewaytest.SessionKey); w.Code != test.status || meanwhile != 503 {
				t.Errorf("got %d, and %d meanwhile; want %d and 503", w.Code, meanwhile, test.status)
			}
		})
	}
}

// TestReplyThatBecomesTooMuchJSON is refused before it takes the memory.
func TestReplyThatBecomesTooMuchJSON(t *testing.T) {
	g := gatewaytest.New(t, gateway.Config{
		JSON: transcode.Options{MaxJSON: 1000},
		Caller: gatewaytest.Caller(func(context.Context, *runtime.Call) (*runtime.Reply, error) {
			return &runtime.Reply{Payload: append([]byte("\x0a\x90\x07"), make([]byte, 912)...)}, nil
		}),
	})
	w := gatewaytest.Post(g, gatewaytest.FormType, gatewaytest.SessionKey)
	if f := gatewaytest.FailureOf(t, w); w.Code != 500 || f.Reason() != gateway.ReasonMalformedReply || !strings.Contains(f.Message, "longer than 1000 bytes") {
		t.Errorf("got %d %s", w.Code, w.Body)
	}
}
