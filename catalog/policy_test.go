package catalog_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/mqrpc/mqrpc/catalog"
	wxappv1 "github.com/mqrpc/mqrpc/examples/wxapp/proto/wxapp/v1"
	mqrpcv1 "github.com/mqrpc/mqrpc/proto/mqrpc/v1"
	"github.com/mqrpc/mqrpc/runtime"

	"github.com/mqrpc/mqrpc/transcode"
)

// withPolicy is the example's API under a policy.
func withPolicy(policy *mqrpcv1.Policy) *catalog.API {
	return &catalog.API{Module: "wxapp", Version: "1.0", Services: []*runtime.Service{wxappv1.WxappManager_Service}, Policy: policy}
}

func TestPolicyProblems(t *testing.T) {
	api := withPolicy(&mqrpcv1.Policy{
		DefaultResponses: map[string]string{
			"WxappManager.SessionKey": `{"SessionKey":1}`,
			"WxappManager.Gone":       "{}",
			"*":                       "{}",
		},
		Methods: map[string]*mqrpcv1.MethodPolicy{"WxappManager.Lost": {}},
	})
	told := errors.Join(api.PolicyProblems(transcode.Options{})...)
	for _, name := range []string{"WxappManager.SessionKey", "WxappManager.Gone", "WxappManager.Lost"} {
		if told == nil || !strings.Contains(told.Error(), name) {
			t.Errorf("nothing is said about %s in: %v", name, told)
		}
	}
	if problems := api.PolicyProblems(transcode.Options{}); len(problems) != 3 {
		t.Errorf("got %d problems, want 3: %v", len(problems), told)
	}
	if problems := withPolicy(nil).PolicyProblems(transcode.Options{}); len(problems) != 0 {
		t.Errorf("no policy has problems: %v", problems)
	}
}
