package gateway_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/types/known/durationpb"

	wxappv1 "github.com/mqrpc/mqrpc/examples/wxapp/proto/wxapp/v1"
	"github.com/mqrpc/mqrpc/gateway"
	mqrpcv1 "github.com/mqrpc/mqrpc/proto/mqrpc/v1"
	"github.com/mqrpc/mqrpc/runtime"
	"github.com/mqrpc/mqrpc/transcode"
)

// withPolicy is the example's API under a policy.
func withPolicy(policy *mqrpcv1.Policy) *gateway.API {
	return &gateway.API{Module: "wxapp", Version: "1.0", Services: []*runtime.Service{wxappv1.WxappManager_Service}, Policy: policy}
}

func sourceOf(api *gateway.API) []gateway.Source {
	return []gateway.Source{lookup(func(context.Context, string, string) (*gateway.API, error) { return api, nil })}
}

// TestTimePrecedence: gateway < contract < policy < policy's method, and the
// request's header makes it shorter only.
func TestTimePrecedence(t *testing.T) {
	const withContract, without = "WxappManager.SessionKey", "WxappManager.SendMessage" // the contract says 2 s, and nothing
	policy := func(api, method time.Duration) *mqrpcv1.Policy {
		p := &mqrpcv1.Policy{}
		if api > 0 {
			p.Timeout = durationpb.New(api)
		}
		if method > 0 {
			own := &mqrpcv1.MethodPolicy{Timeout: durationpb.New(method)}
			p.Methods = map[string]*mqrpcv1.MethodPolicy{withContract: own, without: own}
		}
		return p
	}
	tests := map[string]struct {
		method string
		policy *mqrpcv1.Policy
		header string
		want   time.Duration
	}{
		"nobody says":                    {without, nil, "", 7 * time.Second},
		"contract":                       {withContract, nil, "", 2 * time.Second},
		"an empty policy says nothing":   {withContract, policy(0, 0), "", 2 * time.Second},
		"policy over gateway":            {without, policy(3*time.Second, 0), "", 3 * time.Second},
		"policy, longer than contract":   {withContract, policy(20*time.Second, 0), "", 20 * time.Second},
		"policy, shorter than contract":  {withContract, policy(time.Second, 0), "", time.Second},
		"method over API":                {withContract, policy(20*time.Second, 5*time.Second), "", 5 * time.Second},
		"method alone":                   {withContract, policy(0, 9*time.Second), "", 9 * time.Second},
		"header, shorter than contract":  {withContract, nil, "500ms", 500 * time.Millisecond},
		"header, longer than contract":   {withContract, nil, "1h", 2 * time.Second},
		"header, shorter than policy":    {withContract, policy(20*time.Second, 0), "4s", 4 * time.Second},
		"header, longer than the policy": {withContract, policy(20*time.Second, 5*time.Second), "10s", 5 * time.Second},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			var left, told time.Duration
			g := newGateway(t, gateway.Config{
				Sources:  sourceOf(withPolicy(test.policy)),
				Timeouts: gateway.Timeouts{Call: 7 * time.Second},
				Caller: callerFunc(func(ctx context.Context, call *runtime.Call) (*runtime.Reply, error) {
					left, told = timeLeft(ctx, call), call.Method.Timeout
					return &runtime.Reply{}, nil
				}),
			})
			var headers []string
			if test.header != "" {
				headers = []string{gateway.TimeoutHeader, test.header}
			}
			w := post(g, formType, form("module", "wxapp", "version", "1.0", "method", test.method, "bizContent", "{}"), headers...)
			if w.Code != http.StatusOK {
				t.Fatalf("got %d %s", w.Code, w.Body)
			}
			if left > test.want || left < test.want-time.Second/4 {
				t.Errorf("the call has %s, want %s", left, test.want)
			}
			if told != 0 && told < test.want {
				t.Errorf("the client would wait %s, want at least %s", told, test.want)
			}
		})
	}
}

func TestPolicyDisables(t *testing.T) {
	g := func(policy *mqrpcv1.Policy) *gateway.Gateway {
		return newGateway(t, gateway.Config{Sources: sourceOf(withPolicy(policy))})
	}
	w := post(g(&mqrpcv1.Policy{Disabled: true}), formType, curlForm)
	if f := failureOf(t, w); w.Code != 503 || f.reason() != gateway.ReasonDisabled || f.Code != int(codes.Unavailable) {
		t.Errorf("got %d %s", w.Code, w.Body)
	}
	one := &mqrpcv1.Policy{Methods: map[string]*mqrpcv1.MethodPolicy{"WxappManager.SendMessage": {Disabled: true}}}
	if w := post(g(one), formType, curlForm); w.Code != 200 {
		t.Errorf("another method: got %d %s", w.Code, w.Body)
	}
}

func TestDefaultResponses(t *testing.T) {
	const standIn = `{ "SessionKey": "c3RhbmQtaW4=" }`
	defaults := map[string]string{"WxappManager.SessionKey": standIn}
	const given, none = `{"SessionKey":"c3RhbmQtaW4="}`, ""
	noQueue := runtime.Errorf(codes.Unimplemented, "m: %w", runtime.ErrNoQueue)
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
		"an answer":              {&mqrpcv1.Policy{DefaultResponses: defaults}, nil, 200, `{"SessionKey":"d3JmZGZkc2Y="}`, none},
		"the service's error":    {&mqrpcv1.Policy{DefaultResponses: defaults}, runtime.NewError(codes.NotFound, "m"), 404, `"code":5`, none},
		"the broker is down":     {&mqrpcv1.Policy{DefaultResponses: defaults}, runtime.Errorf(codes.Unavailable, "m: %w", runtime.ErrDisconnected), 503, `"code":14`, none},
		"another method's":       {&mqrpcv1.Policy{DefaultResponses: map[string]string{"WxappManager.SendMessage": "{}"}}, noQueue, 503, gateway.ReasonNoWorker, none},
		"invalid":                {&mqrpcv1.Policy{DefaultResponses: map[string]string{"*": `{"No":1}`}}, noQueue, 503, gateway.ReasonNoWorker, none},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			caller := callerFunc(echo)
			if test.err != nil {
				caller = failing(test.err)
			}
			w := post(newGateway(t, gateway.Config{Caller: caller, Sources: sourceOf(withPolicy(test.policy))}), formType, curlForm)
			if w.Code != test.status || !strings.Contains(w.Body.String(), test.body) {
				t.Errorf("got %d %s, want %d %s", w.Code, w.Body, test.status, test.body)
			}
			if got := w.Header().Get(gateway.DefaultResponseHeader); got != test.header {
				t.Errorf("header %q, want %q", got, test.header)
			}
		})
	}
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

func TestReadinessTellsOfTheRegistry(t *testing.T) {
	g := newGateway(t, gateway.Config{Registry: func() gateway.RegistryHealth {
		return gateway.RegistryHealth{Error: "it is down", Snapshot: true, SnapshotAPIs: 3}
	}})
	w := get(g, "/readyz")
	const want = `"registry":{"available":false,"error":"it is down","snapshot":true,"snapshotApis":3}`
	if w.Code != 200 || !strings.Contains(w.Body.String(), want) {
		t.Errorf("got %d %s, want 200 with %s", w.Code, w.Body, want)
	}
}

// TestTwoGatewaysShareAnAPI: what one makes of it is not the other's.
func TestTwoGatewaysShareAnAPI(t *testing.T) {
	api := withPolicy(nil)
	plain := newGateway(t, gateway.Config{Sources: sourceOf(api)})
	full := newGateway(t, gateway.Config{Sources: sourceOf(api), JSON: transcode.Options{UseProtoNames: true}})
	for range 2 {
		if got := post(plain, formType, curlForm).Body.String(); got != `{"SessionKey":"d3JmZGZkc2Y="}` {
			t.Errorf("the first: %s", got)
		}
		if got := post(full, formType, curlForm).Body.String(); got != `{"session_key":"d3JmZGZkc2Y="}` {
			t.Errorf("the second: %s", got)
		}
	}
}
