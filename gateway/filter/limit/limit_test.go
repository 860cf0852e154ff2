package limit_test

import (
	"testing"

	"go.uber.org/goleak"

	"github.com/mqrpc/mqrpc/gateway"
	"github.com/mqrpc/mqrpc/gateway/filter/limit"
	"github.com/mqrpc/mqrpc/gateway/gatewaytest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// TestCallsInFlight: a slow API leaves room for the others.
func TestCallsInFlight(t *testing.T) {
	gatewaytest.CheckOneCall(t, gateway.Config{Filters: []gateway.Filter{limit.InFlight(1)}}, 200)
}
