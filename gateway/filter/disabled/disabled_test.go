package disabled_test

import (
	"testing"

	mqrpcv1 "github.com/mqrpc/mqrpc/proto/mqrpc/v1"

	"go.uber.org/goleak"
	"google.golang.org/grpc/codes"

	"github.com/mqrpc/mqrpc/gateway"
	"github.com/mqrpc/mqrpc/gateway/gatewaytest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestPolicyDisables(t *testing.T) {
	g := func(policy *mqrpcv1.Policy) *gateway.Gateway {
		return gatewaytest.New(t, gateway.Config{Sources: gatewaytest.Only(gatewaytest.WithPolicy(policy))})
	}
	w := gatewaytest.Post(g(&mqrpcv1.Policy{Disabled: true}), gatewaytest.FormType, gatewaytest.SessionKey)
	if f := gatewaytest.FailureOf(t, w); w.Code != 503 || f.Reason() != gateway.ReasonDisabled || f.Code != int(codes.Unavailable) {
		t.Errorf("got %d %s", w.Code, w.Body)
	}
	one := &mqrpcv1.Policy{Methods: map[string]*mqrpcv1.MethodPolicy{"WxappManager.SendMessage": {Disabled: true}}}
	if w := gatewaytest.Post(g(one), gatewaytest.FormType, gatewaytest.SessionKey); w.Code != 200 {
		t.Errorf("another method: got %d %s", w.Code, w.Body)
	}
}
