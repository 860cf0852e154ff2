package defaultresponse_test

import (
	"context"
	"strings"
	"testing"

	mqrpcv1 "github.com/mqrpc/mqrpc/proto/mqrpc/v1"

	"go.uber.org/goleak"
	"google.golang.org/grpc/codes"

	"github.com/mqrpc/mqrpc/gateway"
	"github.com/mqrpc/mqrpc/gateway/gatewaytest"
	"github.com/mqrpc/mqrpc/runtime"
	"github.com/mqrpc/mqrpc/runtime/transport"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestDefaultResponses(t *testing.T) {
	const standIn = `{ "SessionKey": "c3RhbmQtaW4=" }`
	defaults := map[string]string{"WxappManager.SessionKey": standIn}
	const given, none = `{"SessionKey":"c3RhbmQtaW4="}`, ""
	noQueue := runtime.Errorf(codes.Unimplemented, "m: %w", runtime.ErrNoWorker)
	late := runtime.Errorf(codes.DeadlineExceeded, "m: %w", context.DeadlineExceeded)
	tests := map[string]struct {
		policy *mqrpcv1.Policy
		err    error
		status int
		body   string
		header string
	}{
		"disabled":               {&mqrpcv1.Policy{Disabled: true, DefaultResponses: defaults}, nil, 200, given, gateway.DefaultBecauseDisabled},
		"absent":                 {&mqrpcv1.Policy{DefaultResponses: defaults}, noQueue, 200, given, gateway.DefaultBecauseAbsent},
		"silent":                 {&mqrpcv1.Policy{DefaultResponses: defaults}, late, 200, given, gateway.DefaultBecauseSilent},
		"for all methods":        {&mqrpcv1.Policy{DefaultResponses: map[string]string{"*": "{}"}}, noQueue, 200, "{}", gateway.DefaultBecauseAbsent},
		"the method's own first": {&mqrpcv1.Policy{DefaultResponses: map[string]string{"*": "{}", "WxappManager.SessionKey": standIn}}, noQueue, 200, given, gateway.DefaultBecauseAbsent},
		"an answer":              {&mqrpcv1.Policy{DefaultResponses: defaults}, nil, 200, gatewaytest.SessionKeyAnswer, none},
		"the service's error":    {&mqrpcv1.Policy{DefaultResponses: defaults}, runtime.NewError(codes.NotFound, "m"), 404, `"code":5`, none},
		"the broker is down":     {&mqrpcv1.Policy{DefaultResponses: defaults}, runtime.Errorf(codes.Unavailable, "m: %w", transport.ErrDisconnected), 503, `"code":14`, none},
		"another method's":       {&mqrpcv1.Policy{DefaultResponses: map[string]string{"WxappManager.SendMessage": "{}"}}, noQueue, 503, gateway.ReasonNoWorker, none},
		"invalid":                {&mqrpcv1.Policy{DefaultResponses: map[string]string{"*": `{"No":1}`}}, noQueue, 503, gateway.ReasonNoWorker, none},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			caller := gatewaytest.Caller(gatewaytest.Echo)
			if test.err != nil {
				caller = gatewaytest.Failing(test.err)
			}
			w := gatewaytest.Post(gatewaytest.New(t, gateway.Config{Caller: caller, Sources: gatewaytest.Only(gatewaytest.WithPolicy(test.policy))}), gatewaytest.FormType, gatewaytest.SessionKey)
			if w.Code != test.status || !strings.Contains(w.Body.String(), test.body) {
				t.Errorf("got %d %s, want %d %s", w.Code, w.Body, test.status, test.body)
			}
			if got := w.Header().Get(gateway.DefaultResponseHeader); got != test.header {
				t.Errorf("header %q, want %q", got, test.header)
			}
		})
	}
}
