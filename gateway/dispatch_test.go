package gateway_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	spb "google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/types/known/anypb"
	"google.golang.org/protobuf/types/known/durationpb"

	wxappv1 "github.com/mqrpc/mqrpc/examples/wxapp/proto/wxapp/v1"
	"github.com/mqrpc/mqrpc/gateway"
	"github.com/mqrpc/mqrpc/runtime"
)

// failing is a caller whose calls fail.
func failing(err error) callerFunc {
	return func(context.Context, *runtime.Call) (*runtime.Reply, error) { return nil, err }
}

// waiting is a caller whose calls last as long as their context.
func waiting(started chan<- struct{}) callerFunc {
	return func(ctx context.Context, _ *runtime.Call) (*runtime.Reply, error) {
		started <- struct{}{}
		<-ctx.Done()
		return nil, runtime.AsError(ctx.Err())
	}
}

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
		"broker blocks":         {runtime.Errorf(codes.Unavailable, "m: %w", runtime.ErrBlocked), 503, codes.Unavailable},
		"no queue":              {runtime.Errorf(codes.Unimplemented, "m: %w", runtime.ErrNoQueue), 503, codes.Unavailable},
		"the time is over":      {context.DeadlineExceeded, 504, codes.DeadlineExceeded},
		"the client has gone":   {context.Canceled, 499, codes.Canceled},
		"not an mqrpc error":    {errors.New("m"), 500, codes.Unknown},
		"a code from elsewhere": {runtime.NewError(77, "m"), 500, 77},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			w := post(newGateway(t, gateway.Config{Caller: failing(test.err)}), formType, curlForm)
			if f := failureOf(t, w); w.Code != test.status || f.Code != int(test.code) {
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
	w := post(newGateway(t, gateway.Config{Caller: failing(sent)}), formType, curlForm)
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
	g := newGateway(t, gateway.Config{Caller: callerFunc(func(context.Context, *runtime.Call) (*runtime.Reply, error) {
		return &runtime.Reply{Payload: []byte{0xff}}, nil
	})})
	w := post(g, formType, curlForm)
	if f := failureOf(t, w); w.Code != 500 || f.reason() != gateway.ReasonMalformedReply || !strings.Contains(f.Message, "wxapp.v1.SessionKeyResponse is malformed") {
		t.Errorf("got %d %s", w.Code, w.Body)
	}
}

func TestTimeOfCalls(t *testing.T) {
	sessionKey := form("module", "wxapp", "version", "1.0", "method", "WxappManager.SessionKey", "bizContent", "{}")
	sendMessage := form("module", "wxapp", "version", "1.0", "method", "WxappManager.SendMessage", "bizContent", "{}")
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
			g := newGateway(t, gateway.Config{
				Timeouts: gateway.Timeouts{Call: 7 * time.Second},
				Caller: callerFunc(func(ctx context.Context, call *runtime.Call) (*runtime.Reply, error) {
					left = timeLeft(ctx, call)
					return &runtime.Reply{}, nil
				}),
			})
			post(g, formType, test.body, gateway.TimeoutHeader, test.asked)
			if left > test.want || left < test.want-time.Second/2 {
				t.Errorf("the call has %s, want %s", left, test.want)
			}
		})
	}
}

func TestOverrunAnswers504(t *testing.T) {
	started := make(chan struct{}, 1)
	w := post(newGateway(t, gateway.Config{Caller: waiting(started)}), formType, curlForm, gateway.TimeoutHeader, "5ms")
	if f := failureOf(t, w); w.Code != http.StatusGatewayTimeout || f.Code != int(codes.DeadlineExceeded) {
		t.Errorf("got %d %s", w.Code, w.Body)
	}
}

func TestClientLeaves(t *testing.T) {
	started := make(chan struct{})
	ended := make(chan error, 1)
	inner := waiting(started)
	server := httptest.NewServer(newGateway(t, gateway.Config{
		Caller: callerFunc(func(ctx context.Context, call *runtime.Call) (*runtime.Reply, error) {
			reply, err := inner(ctx, call)
			ended <- context.Cause(ctx)
			return reply, err
		}),
	}))
	defer server.Close()
	ctx, leave := context.WithCancel(t.Context())
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, server.URL+"/gateway", strings.NewReader(curlForm))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Content-Type", formType)
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

func TestInFlightLimits(t *testing.T) {
	tests := map[string]struct {
		limits gateway.Limits
		other  int // the status of a call to the other version meanwhile
	}{
		"in all":  {gateway.Limits{InFlight: 1}, 503},
		"per API": {gateway.Limits{InFlightPerAPI: 1}, 200},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			started, release := make(chan struct{}), make(chan struct{})
			g := newGateway(t, gateway.Config{Limits: test.limits, Caller: callerFunc(func(_ context.Context, call *runtime.Call) (*runtime.Reply, error) {
				if call.Method.Version == "1.0" {
					started <- struct{}{}
					<-release
				}
				return &runtime.Reply{}, nil
			})})
			first := make(chan int)
			go func() { first <- post(g, formType, curlForm).Code }()
			<-started
			w := post(g, formType, curlForm)
			if f := failureOf(t, w); w.Code != 503 || f.reason() != gateway.ReasonTooManyCalls || w.Header().Get("Retry-After") == "" {
				t.Errorf("got %d %s", w.Code, w.Body)
			}
			if w := post(g, formType, strings.Replace(curlForm, "1.0", "1.1", 1)); w.Code != test.other {
				t.Errorf("the other version: got %d %s, want %d", w.Code, w.Body, test.other)
			}
			close(release)
			if got := <-first; got != 200 {
				t.Errorf("the first call: %d", got)
			}
			go func() { <-started }()
			if w := post(g, formType, curlForm); w.Code != 200 {
				t.Errorf("afterwards: %d %s", w.Code, w.Body)
			}
		})
	}
}

// lookup is a source made of a function.
type lookup func(ctx context.Context, module, version string) (*gateway.API, error)

func (l lookup) API(ctx context.Context, module, version string) (*gateway.API, error) {
	return l(ctx, module, version)
}

func TestSources(t *testing.T) {
	none := lookup(func(context.Context, string, string) (*gateway.API, error) { return nil, gateway.ErrUnknownModule })
	moduleOnly := lookup(func(context.Context, string, string) (*gateway.API, error) { return nil, gateway.ErrUnknownVersion })
	down := lookup(func(context.Context, string, string) (*gateway.API, error) { return nil, errors.New("store is down") })
	broken := lookup(func(_ context.Context, module, version string) (*gateway.API, error) {
		return &gateway.API{Module: module, Version: version, Services: []*runtime.Service{{Methods: []*runtime.Method{{Module: module, Version: version, Name: "A.B"}}}}}, nil
	})
	tests := map[string]struct {
		sources []gateway.Source
		status  int
		reason  string
	}{
		"none at all":                {[]gateway.Source{}, 404, gateway.ReasonUnknownModule},
		"the second knows":           {[]gateway.Source{none, static(t)}, 200, ""},
		"one knows the module":       {[]gateway.Source{moduleOnly, none}, 404, gateway.ReasonUnknownVersion},
		"one is down, another knows": {[]gateway.Source{down, static(t)}, 200, ""},
		"one is down, none knows":    {[]gateway.Source{none, down, moduleOnly}, 503, gateway.ReasonLookupFailed},
		"an API without messages":    {[]gateway.Source{broken}, 500, ""},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			w := post(newGateway(t, gateway.Config{Sources: test.sources}), formType, curlForm)
			if w.Code != test.status {
				t.Fatalf("got %d %s", w.Code, w.Body)
			}
			if test.status != 200 && failureOf(t, w).reason() != test.reason {
				t.Errorf("got %s, want reason %s", w.Body, test.reason)
			}
		})
	}
}

func TestSlowSource(t *testing.T) {
	slow := lookup(func(ctx context.Context, _, _ string) (*gateway.API, error) {
		<-ctx.Done()
		return nil, ctx.Err()
	})
	w := post(newGateway(t, gateway.Config{Sources: []gateway.Source{slow}}), formType, curlForm, gateway.TimeoutHeader, "5ms")
	if w.Code != http.StatusGatewayTimeout {
		t.Errorf("got %d %s", w.Code, w.Body)
	}
}

// TestSourceChangesAnAPI: a method comes, another goes, without a new gateway.
func TestSourceChangesAnAPI(t *testing.T) {
	var now *gateway.API
	g := newGateway(t, gateway.Config{Sources: []gateway.Source{
		lookup(func(context.Context, string, string) (*gateway.API, error) { return now, nil }),
	}})
	method := func(name string) *runtime.Method {
		return &runtime.Method{Module: "wxapp", Version: "1.0", Name: name, Request: &wxappv1.SessionKeyRequest{}, Response: &wxappv1.SessionKeyResponse{}}
	}
	change := func(methods ...*runtime.Method) {
		now = &gateway.API{Module: "wxapp", Version: "1.0", Services: []*runtime.Service{{Methods: methods}}}
	}
	expect := func(name string, status int) {
		t.Helper()
		w := post(g, formType, form("module", "wxapp", "version", "1.0", "method", name, "bizContent", "{}"))
		if w.Code != status {
			t.Errorf("%s: got %d %s, want %d", name, w.Code, w.Body, status)
		}
	}
	change(method("A.Old"))
	expect("A.Old", 200)
	expect("A.New", 404)
	change(method("A.New"))
	expect("A.Old", 404)
	expect("A.New", 200)
}

func TestStaticRefuses(t *testing.T) {
	method := func(name string) *runtime.Method {
		return &runtime.Method{Module: "m", Version: "1", Name: name, Request: &durationpb.Duration{}, Response: &durationpb.Duration{}}
	}
	for name, services := range map[string][]*runtime.Service{
		"nothing":             {nil},
		"an invalid module":   {{Module: "a b", Version: "1"}},
		"an invalid version":  {{Module: "m", Version: "1_0"}},
		"an invalid method":   {{Module: "m", Version: "1", Methods: []*runtime.Method{method("NoDot")}}},
		"two of one name":     {{Module: "m", Version: "1", Methods: []*runtime.Method{method("A.B"), method("A.B")}}},
		"no messages":         {{Module: "m", Version: "1", Methods: []*runtime.Method{{Module: "m", Version: "1", Name: "A.B"}}}},
		"a stranger's method": {{Module: "m", Version: "2", Methods: []*runtime.Method{method("A.B")}}},
	} {
		source, err := gateway.Static(services...)
		if err == nil {
			_, err = gateway.New(gateway.Config{Caller: callerFunc(echo), Sources: []gateway.Source{source}})
		}
		if err == nil {
			t.Errorf("%s is accepted", name)
		}
	}
}
