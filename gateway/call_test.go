package gateway_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	mqrpcv1 "github.com/mqrpc/mqrpc/proto/mqrpc/v1"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	spb "google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/types/known/anypb"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/mqrpc/mqrpc/gateway"
	"github.com/mqrpc/mqrpc/gateway/form"
	"github.com/mqrpc/mqrpc/gateway/gatewaytest"
	"github.com/mqrpc/mqrpc/runtime"
	"github.com/mqrpc/mqrpc/runtime/transport"
)

// timeLeft is how long a client would wait for the reply.
func timeLeft(ctx context.Context, call *runtime.Call) time.Duration {
	if deadline, ok := ctx.Deadline(); ok {
		return min(time.Until(deadline), call.Timeout)
	}
	return call.Timeout
}

func TestErrorsOfCalls(t *testing.T) {
	tests := map[string]struct {
		err    error
		status int
		code   codes.Code
	}{
		"a service's error":     {runtime.NewError(codes.FailedPrecondition, "m"), 400, codes.FailedPrecondition},
		"not found":             {runtime.NewError(codes.NotFound, "m"), 404, codes.NotFound},
		"may have run":          {runtime.NewError(codes.Aborted, "m"), 409, codes.Aborted},
		"no method":             {runtime.NewError(codes.Unimplemented, "m"), 501, codes.Unimplemented},
		"the broker refuses":    {runtime.NewError(codes.ResourceExhausted, "m"), 429, codes.ResourceExhausted},
		"no broker":             {runtime.Errorf(codes.Unavailable, "m: %w", transport.ErrDisconnected), 503, codes.Unavailable},
		"a handler's panic":     {runtime.NewError(codes.Internal, "m"), 500, codes.Internal},
		"broker blocks":         {runtime.Errorf(codes.Unavailable, "m: %w", transport.ErrBlocked), 503, codes.Unavailable},
		"no queue":              {runtime.Errorf(codes.Unimplemented, "m: %w", runtime.ErrNoWorker), 503, codes.Unavailable},
		"the time is over":      {context.DeadlineExceeded, 504, codes.DeadlineExceeded},
		"the client has gone":   {context.Canceled, 499, codes.Canceled},
		"not an mqrpc error":    {errors.New("m"), 500, codes.Unknown},
		"a code from elsewhere": {runtime.NewError(77, "m"), 500, 77},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			w := gatewaytest.Post(gatewaytest.New(t, gateway.Config{Caller: gatewaytest.Failing(test.err)}), gatewaytest.FormType, gatewaytest.SessionKey)
			if f := gatewaytest.FailureOf(t, w); w.Code != test.status || f.Code != int(test.code) {
				t.Errorf("got %d %s, want %d with code %d", w.Code, w.Body, test.status, test.code)
			}
		})
	}
}

func TestDetailsOfErrors(t *testing.T) {
	lost := &anypb.Any{TypeUrl: "x.test/no.Such", Value: []byte("abc")}
	broken := &anypb.Any{TypeUrl: "type.googleapis.com/google.protobuf.Duration", Value: []byte{0xff}}
	known, err := anypb.New(&errdetails.BadRequest{FieldViolations: []*errdetails.BadRequest_FieldViolation{{Field: "Code", Description: "<empty> & bad"}}})
	if err != nil {
		t.Fatal(err)
	}
	duration, err := anypb.New(durationpb.New(time.Second))
	if err != nil {
		t.Fatal(err)
	}
	sent := runtime.ErrorFromProto(&spb.Status{Code: 3, Message: "<bad> & \"worse\"", Details: []*anypb.Any{known, lost, broken, duration}})
	w := gatewaytest.Post(gatewaytest.New(t, gateway.Config{Caller: gatewaytest.Failing(sent)}), gatewaytest.FormType, gatewaytest.SessionKey)
	const want = `{"code":3,"message":"<bad> & \"worse\"","details":[` +
		`{"@type":"type.googleapis.com/google.rpc.BadRequest","fieldViolations":[{"field":"Code","description":"<empty> & bad"}]},` +
		`{"@type":"x.test/no.Such","value":"YWJj"},` +
		`{"@type":"type.googleapis.com/google.protobuf.Duration","value":"/w=="},` +
		`{"@type":"type.googleapis.com/google.protobuf.Duration","value":"1s"}]}`
	if got := w.Body.String(); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestMalformedReply(t *testing.T) {
	g := gatewaytest.New(t, gateway.Config{Caller: gatewaytest.Caller(func(context.Context, *runtime.Call) (*runtime.Reply, error) {
		return &runtime.Reply{Payload: []byte{0xff}}, nil
	})})
	w := gatewaytest.Post(g, gatewaytest.FormType, gatewaytest.SessionKey)
	if f := gatewaytest.FailureOf(t, w); w.Code != 500 || f.Reason() != gateway.ReasonMalformedReply || !strings.Contains(f.Message, "wxapp.v1.SessionKeyResponse is malformed") {
		t.Errorf("got %d %s", w.Code, w.Body)
	}
}

func TestTimeOfCalls(t *testing.T) {
	sessionKey := gatewaytest.Form("module", "wxapp", "version", "1.0", "method", "WxappManager.SessionKey", "bizContent", "{}")
	sendMessage := gatewaytest.Form("module", "wxapp", "version", "1.0", "method", "WxappManager.SendMessage", "bizContent", "{}")
	tests := map[string]struct {
		body, asked string
		want        time.Duration
	}{
		"the method's own":       {sessionKey, "", 2 * time.Second},
		"the caller's, shorter":  {sessionKey, "500ms", 500 * time.Millisecond},
		"the caller's, longer":   {sessionKey, "1h", 2 * time.Second},
		"the gateway's default":  {sendMessage, "", 7 * time.Second},
		"shorter than a default": {sendMessage, "1s", time.Second},
		"longer than a default":  {sendMessage, "1h", 7 * time.Second},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			var left time.Duration
			g := gatewaytest.New(t, gateway.Config{
				Timeouts: gateway.Timeouts{Call: 7 * time.Second},
				Caller: gatewaytest.Caller(func(ctx context.Context, call *runtime.Call) (*runtime.Reply, error) {
					left = timeLeft(ctx, call)
					return &runtime.Reply{}, nil
				}),
			})
			gatewaytest.Post(g, gatewaytest.FormType, test.body, form.TimeoutHeader, test.asked)
			if left > test.want || left < test.want-time.Second/2 {
				t.Errorf("the call has %s, want %s", left, test.want)
			}
		})
	}
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
			g := gatewaytest.New(t, gateway.Config{
				Sources:  gatewaytest.Only(gatewaytest.WithPolicy(test.policy)),
				Timeouts: gateway.Timeouts{Call: 7 * time.Second},
				Caller: gatewaytest.Caller(func(ctx context.Context, call *runtime.Call) (*runtime.Reply, error) {
					left, told = timeLeft(ctx, call), call.Method.Timeout
					return &runtime.Reply{}, nil
				}),
			})
			var headers []string
			if test.header != "" {
				headers = []string{form.TimeoutHeader, test.header}
			}
			w := gatewaytest.Post(g, gatewaytest.FormType, gatewaytest.Form("module", "wxapp", "version", "1.0", "method", test.method, "bizContent", "{}"), headers...)
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

func TestOverrunAnswers504(t *testing.T) {
	started := make(chan struct{}, 1)
	w := gatewaytest.Post(gatewaytest.New(t, gateway.Config{Caller: gatewaytest.Waiting(started)}), gatewaytest.FormType, gatewaytest.SessionKey, form.TimeoutHeader, "5ms")
	if f := gatewaytest.FailureOf(t, w); w.Code != http.StatusGatewayTimeout || f.Code != int(codes.DeadlineExceeded) {
		t.Errorf("got %d %s", w.Code, w.Body)
	}
}

func TestClientLeaves(t *testing.T) {
	started := make(chan struct{})
	ended := make(chan error, 1)
	inner := gatewaytest.Waiting(started)
	server := httptest.NewServer(gatewaytest.New(t, gateway.Config{
		Caller: gatewaytest.Caller(func(ctx context.Context, call *runtime.Call) (*runtime.Reply, error) {
			reply, err := inner(ctx, call)
			ended <- context.Cause(ctx)
			return reply, err
		}),
	}))
	defer server.Close()
	ctx, leave := context.WithCancel(t.Context())
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, server.URL+"/gateway", strings.NewReader(gatewaytest.SessionKey))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Content-Type", gatewaytest.FormType)
	go func() {
		<-started
		leave()
	}()
	if response, err := server.Client().Do(request); err == nil {
		response.Body.Close()
		t.Error("the request has not ended")
	}
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Errorf("the call ended with %v, want that it was cancelled", err)
	}
}

// TestRetryAfter: an error says in HTTP's words, too, when to try again.
func TestRetryAfter(t *testing.T) {
	after := func(delay time.Duration) *errdetails.RetryInfo {
		return &errdetails.RetryInfo{RetryDelay: durationpb.New(delay)}
	}
	for name, test := range map[string]struct {
		err  error
		want string
	}{
		"whole seconds":    {runtime.NewError(codes.Unavailable, "m").WithDetails(after(3 * time.Second)), "3"},
		"a part of one":    {runtime.NewError(codes.ResourceExhausted, "m").WithDetails(after(time.Millisecond)), "1"},
		"at once":          {runtime.NewError(codes.Unavailable, "m").WithDetails(after(0)), "0"},
		"in the past":      {runtime.NewError(codes.Unavailable, "m").WithDetails(after(-time.Hour)), "0"},
		"nothing is said":  {runtime.NewError(codes.Unavailable, "m"), ""},
		"it would not do":  {runtime.NewError(codes.NotFound, "m").WithDetails(after(time.Second)), ""},
		"in far too long":  {runtime.NewError(codes.Unavailable, "m").WithDetails(after(1<<63 - 1)), "9223372037"},
		"a broken message": {runtime.ErrorFromProto(&spb.Status{Code: 14, Details: []*anypb.Any{{TypeUrl: "type.googleapis.com/google.rpc.RetryInfo", Value: []byte{0xff}}}}), ""},
	} {
		w := gatewaytest.Post(gatewaytest.New(t, gateway.Config{Caller: gatewaytest.Failing(test.err)}), gatewaytest.FormType, gatewaytest.SessionKey)
		if got := w.Header().Get("Retry-After"); got != test.want {
			t.Errorf("%s: got %q, want %q", name, got, test.want)
		}
	}
}
