package gateway_test

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"

	"github.com/mqrpc/mqrpc/catalog"
	wxappv1 "github.com/mqrpc/mqrpc/examples/wxapp/proto/wxapp/v1"
	"github.com/mqrpc/mqrpc/gateway"
	"github.com/mqrpc/mqrpc/gateway/gatewaytest"
	mqrpcv1 "github.com/mqrpc/mqrpc/proto/mqrpc/v1"
	"github.com/mqrpc/mqrpc/runtime"
)

// do sends a call of wxapp/1.0's SessionKey through a gateway's pipeline, without
// HTTP.
func do(t *testing.T, g *gateway.Gateway, codec gateway.Codec, body []byte) gateway.Response {
	t.Helper()
	request, err := g.NewRequest(t.Context(), http.Header{"Traceparent": {"00-a-b-01"}}, gateway.Caller{Address: "192.0.2.1:7"})
	if err != nil {
		t.Fatal(err)
	}
	defer request.Release()
	if err := request.Resolve(t.Context(), "wxapp", "1.0", "WxappManager.SessionKey"); err != nil {
		t.Fatal(err)
	}
	request.Codec, request.Body = codec, body
	response := g.Do(t.Context(), request)
	response.Payload = slices.Clone(response.Payload) // It is the request's.
	return response
}

func encoded(t *testing.T, message proto.Message) []byte {
	t.Helper()
	out, err := proto.Marshal(message)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// inEachCodec runs a test for every codec that a front may have.
func inEachCodec(t *testing.T, test func(t *testing.T, codec gateway.Codec, request, answer, standIn []byte)) {
	t.Run("JSON", func(t *testing.T) {
		test(t, gateway.CodecJSON, []byte(`{"Code":"d3JmZGZkc2Y="}`), []byte(gatewaytest.SessionKeyAnswer), []byte(`{"SessionKey":"c3RhbmQtaW4="}`))
	})
	t.Run("protobuf", func(t *testing.T) {
		test(t, gateway.CodecProtobuf, encoded(t, &wxappv1.SessionKeyRequest{Code: []byte("wrfdfdsf")}),
			encoded(t, &wxappv1.SessionKeyResponse{SessionKey: []byte("wrfdfdsf")}),
			encoded(t, &wxappv1.SessionKeyResponse{SessionKey: []byte("stand-in")}))
	})
}

// TestOutcomes: what a front gets, in each codec, for each way a call may end.
func TestOutcomes(t *testing.T) {
	defaults := map[string]string{"*": `{"SessionKey":"c3RhbmQtaW4="}`}
	refusing := gateway.Filter{Stage: gateway.StageAuthorise, Wrap: func(*catalog.API, gateway.Handler) gateway.Handler {
		return func(context.Context, *gateway.Request) gateway.Response {
			return gateway.Response{Err: runtime.NewError(codes.PermissionDenied, "not you")}
		}
	}}
	tests := map[string]struct {
		policy *mqrpcv1.Policy
		caller gatewaytest.Caller
		filter gateway.Filter
		code   codes.Code
		reason string // of a default response
	}{
		"answers":            {caller: gatewaytest.Echo},
		"service fails":      {caller: gatewaytest.Failing(runtime.NewError(codes.NotFound, "m")), code: codes.NotFound},
		"nobody serves it":   {caller: gatewaytest.Failing(runtime.Errorf(codes.Unimplemented, "m: %w", runtime.ErrNoWorker)), code: codes.Unavailable},
		"disabled":           {policy: &mqrpcv1.Policy{Disabled: true}, caller: gatewaytest.Echo, code: codes.Unavailable},
		"refused":            {caller: gatewaytest.Echo, filter: refusing, code: codes.PermissionDenied},
		"default response":   {policy: &mqrpcv1.Policy{DefaultResponses: defaults}, caller: gatewaytest.Failing(context.DeadlineExceeded), reason: "silent"},
		"refused, a default": {policy: &mqrpcv1.Policy{DefaultResponses: defaults}, caller: gatewaytest.Echo, filter: refusing, code: codes.PermissionDenied},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			inEachCodec(t, func(t *testing.T, codec gateway.Codec, request, answer, standIn []byte) {
				filters := gatewaytest.Filters()
				if test.filter.Wrap != nil {
					filters = append(filters, test.filter)
				}
				g := gatewaytest.New(t, gateway.Config{Sources: gatewaytest.Only(gatewaytest.WithPolicy(test.policy)), Caller: test.caller, Filters: filters})
				got := do(t, g, codec, request)
				if runtime.CodeOf(got.Err) != test.code {
					t.Fatalf("got %v, want code %s", got.Err, test.code)
				}
				if reason := got.Metadata.Get(gateway.DefaultResponseMetadata); reason != test.reason {
					t.Errorf("default response because %q, want %q", reason, test.reason)
				}
				want := answer
				switch {
				case test.code != codes.OK:
					want = nil
				case test.reason != "":
					want = standIn
				}
				if !bytes.Equal(got.Payload, want) {
					t.Errorf("got %q, want %q", got.Payload, want)
				}
			})
		})
	}
}

// TestMessagesThatAreNone: JSON is checked on its way in and out. Protobuf's
// bytes are the worker's and the caller's business.
func TestMessagesThatAreNone(t *testing.T) {
	garbage := func(context.Context, *runtime.Call) (*runtime.Reply, error) {
		return &runtime.Reply{Payload: []byte{0xff}}, nil
	}
	g := gatewaytest.New(t, gateway.Config{Caller: gatewaytest.Caller(garbage)})
	if got := do(t, g, gateway.CodecJSON, []byte(`{"Code":`)); runtime.CodeOf(got.Err) != codes.InvalidArgument {
		t.Errorf("malformed JSON: got %v", got.Err)
	}
	if got := do(t, g, gateway.CodecJSON, []byte(`{}`)); runtime.CodeOf(got.Err) != codes.Internal {
		t.Errorf("a malformed reply: got %v", got.Err)
	}
	if got := do(t, g, gateway.CodecProtobuf, []byte{0xff}); got.Err != nil || string(got.Payload) != "\xff" {
		t.Errorf("protobuf: got %q, %v", got.Payload, got.Err)
	}
}

// noting is a filter that notes when it begins and ends.
func noting(order *[]string, name string, stage gateway.Stage) gateway.Filter {
	return gateway.Filter{Stage: stage, Wrap: func(_ *catalog.API, next gateway.Handler) gateway.Handler {
		return func(ctx context.Context, request *gateway.Request) gateway.Response {
			*order = append(*order, name)
			response := next(ctx, request)
			*order = append(*order, "/"+name)
			return response
		}
	}}
}

// TestStagesHaveAnOrder: whatever the order of the configuration.
func TestStagesHaveAnOrder(t *testing.T) {
	var order []string
	var filters []gateway.Filter
	for stage := gateway.StageShadow; stage >= gateway.StageRecord; stage-- {
		filters = append(filters, noting(&order, fmt.Sprint(int(stage)), stage))
	}
	filters = append(filters, noting(&order, "second", gateway.StageRecord))
	do(t, gatewaytest.New(t, gateway.Config{Filters: filters}), gateway.CodecJSON, []byte(`{}`))
	const want = "1 second 2 3 4 5 6 7 8 9 /9 /8 /7 /6 /5 /4 /3 /2 /second /1"
	if got := strings.Join(order, " "); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

// TestDocsHaveTheOrderOfStages: the text that people read says what runs.
func TestDocsHaveTheOrderOfStages(t *testing.T) {
	names := map[gateway.Stage]string{
		gateway.StageRecord: "record", gateway.StageAuthenticate: "authenticate", gateway.StageAuthorise: "authorise",
		gateway.StageLimit: "limit", gateway.StageSplit: "split", gateway.StageAuthoriseTarget: "authorise for the target",
		gateway.StageDefaultResponse: "default response", gateway.StageCircuit: "circuit", gateway.StageShadow: "shadow",
	}
	var order []string
	for _, stage := range slices.Sorted(maps.Keys(names)) {
		order = append(order, names[stage])
	}
	want := strings.Join(append(order, "call"), " → ")
	for _, file := range []string{"doc.go", "../docs/gateway.md"} {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(strings.Join(strings.Fields(strings.ReplaceAll(string(text), "//", "")), " "), want) {
			t.Errorf("%s does not have the order %q", file, want)
		}
	}
}

func TestFiltersThatAreNone(t *testing.T) {
	wrap := func(_ *catalog.API, next gateway.Handler) gateway.Handler { return next }
	for name, filter := range map[string]gateway.Filter{
		"no stage":        {Wrap: wrap},
		"no such stage":   {Stage: gateway.StageShadow + 1, Wrap: wrap},
		"no function":     {Stage: gateway.StageLimit},
		"a negative one":  {Stage: -1, Wrap: wrap},
		"nothing at all ": {},
	} {
		if _, err := gateway.New(gateway.Config{Caller: gatewaytest.Caller(gatewaytest.Echo), Filters: []gateway.Filter{filter}}); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

// to11 is a filter that has version 1.1 called instead of 1.0.
func to11(stage gateway.Stage) gateway.Filter {
	return gateway.Filter{Stage: stage, Wrap: func(api *catalog.API, next gateway.Handler) gateway.Handler {
		if api.Version != "1.0" {
			return next
		}
		return func(ctx context.Context, request *gateway.Request) gateway.Response {
			if err := request.Resolve(ctx, api.Module, "1.1", request.Route.Method.Name); err != nil {
				return gateway.Response{Err: err}
			}
			return next(ctx, request)
		}
	}}
}

// TestSplit: the filters before the split see the API that was named, those
// after it the one that is called, whose policy they go by.
func TestSplit(t *testing.T) {
	var seen []string
	seeing := func(stage gateway.Stage) gateway.Filter {
		return gateway.Filter{Stage: stage, Wrap: func(api *catalog.API, next gateway.Handler) gateway.Handler {
			return func(ctx context.Context, request *gateway.Request) gateway.Response {
				seen = append(seen, api.String()+" "+request.Route.API.String())
				return next(ctx, request)
			}
		}}
	}
	var called string
	g := gatewaytest.New(t, gateway.Config{
		Filters: []gateway.Filter{seeing(gateway.StageAuthorise), to11(gateway.StageSplit), seeing(gateway.StageAuthoriseTarget)},
		Caller: gatewaytest.Caller(func(ctx context.Context, call *runtime.Call) (*runtime.Reply, error) {
			called = call.Method.String()
			return gatewaytest.Echo(ctx, call)
		}),
	})
	if got := do(t, g, gateway.CodecJSON, []byte(`{}`)); got.Err != nil {
		t.Fatal(got.Err)
	}
	if want := []string{"wxapp/1.0 wxapp/1.0", "wxapp/1.1 wxapp/1.1"}; !slices.Equal(seen, want) { //nolint:dupword // each filter sees it
		t.Errorf("the filters saw %q, want %q", seen, want)
	}
	if called != "wxapp/1.1/WxappManager.SessionKey" {
		t.Errorf("called %s", called)
	}
}

// TestRouteChangesTooLate: what has been authorised is what is called.
func TestRouteChangesTooLate(t *testing.T) {
	g := gatewaytest.New(t, gateway.Config{Filters: []gateway.Filter{to11(gateway.StageCircuit)}})
	if got := do(t, g, gateway.CodecJSON, []byte(`{}`)); runtime.CodeOf(got.Err) != codes.Internal {
		t.Errorf("got %v", got.Err)
	}
}

// TestSplitToNowhere: the route stays as it was, and the caller learns why.
func TestSplitToNowhere(t *testing.T) {
	nowhere := gateway.Filter{Stage: gateway.StageSplit, Wrap: func(_ *catalog.API, next gateway.Handler) gateway.Handler {
		return func(ctx context.Context, request *gateway.Request) gateway.Response {
			if err := request.Resolve(ctx, "wxapp", "9.9", "A.B"); err == nil {
				t.Error("version 9.9 has been found")
			}
			return next(ctx, request)
		}
	}}
	g := gatewaytest.New(t, gateway.Config{Filters: []gateway.Filter{nowhere}})
	if got := do(t, g, gateway.CodecJSON, []byte(`{"Code":"d3JmZGZkc2Y="}`)); got.Err != nil || string(got.Payload) != gatewaytest.SessionKeyAnswer {
		t.Errorf("got %s, %v", got.Payload, got.Err)
	}
}

// TestFiltersSeeEverything: who calls what, with what, and how it ended.
func TestFiltersSeeEverything(t *testing.T) {
	var outcome error
	seeing := gateway.Filter{Stage: gateway.StageRecord, Wrap: func(_ *catalog.API, next gateway.Handler) gateway.Handler {
		return func(ctx context.Context, request *gateway.Request) gateway.Response {
			if deadline, ok := ctx.Deadline(); !ok || time.Until(deadline) > 2*time.Second {
				t.Errorf("the context ends at %v, want the method's 2 s", deadline)
			}
			if request.ID == "" || request.Caller.Address != "192.0.2.1:7" || request.Header.Get("Traceparent") == "" ||
				request.Route.String() != "wxapp/1.0/WxappManager.SessionKey" || string(request.Body) != `{}` ||
				request.Metadata.Get("traceparent") != "00-a-b-01" || request.Metadata.Get("x-request-id") != request.ID {
				t.Errorf("got %+v", request)
			}
			request.Metadata.Set("x-added", "1")
			response := next(ctx, request)
			outcome = response.Err
			return response
		}
	}}
	var got runtime.Metadata
	g := gatewaytest.New(t, gateway.Config{Filters: []gateway.Filter{seeing}, Caller: gatewaytest.Caller(
		func(_ context.Context, call *runtime.Call) (*runtime.Reply, error) {
			got = call.Metadata
			return nil, runtime.NewError(codes.Aborted, "m")
		})})
	do(t, g, gateway.CodecJSON, []byte(`{}`))
	if runtime.CodeOf(outcome) != codes.Aborted || got.Get("x-added") != "1" {
		t.Errorf("outcome %v, metadata %v", outcome, got)
	}
}

// TestWorkersAreNoFilters: they cannot send what only filters say.
func TestWorkersAreNoFilters(t *testing.T) {
	g := gatewaytest.New(t, gateway.Config{Caller: gatewaytest.Caller(func(context.Context, *runtime.Call) (*runtime.Reply, error) {
		return &runtime.Reply{Metadata: runtime.Metadata{"mqrpc-default-response": "silent", "other": "1"}}, nil
	})})
	got := do(t, g, gateway.CodecJSON, []byte(`{}`))
	if len(got.Metadata) != 1 || got.Metadata.Get("other") != "1" {
		t.Errorf("got %v", got.Metadata)
	}
	if w := gatewaytest.Post(g, gatewaytest.FormType, gatewaytest.SessionKey); w.Header().Get(gateway.DefaultResponseHeader) != "" {
		t.Errorf("got %v", w.Header())
	}
}

// TestPanicInAFilter: what the request held is given back.
func TestPanicInAFilter(t *testing.T) {
	panicking := gateway.Filter{Stage: gateway.StageShadow, Wrap: func(*catalog.API, gateway.Handler) gateway.Handler {
		return func(context.Context, *gateway.Request) gateway.Response { panic("boom") }
	}}
	g := gatewaytest.New(t, gateway.Config{Limits: gateway.Limits{InFlight: 1, InFlightBytes: 200}, Filters: []gateway.Filter{panicking}})
	for range 3 {
		w := gatewaytest.Post(g, gatewaytest.FormType, gatewaytest.SessionKey)
		if f := gatewaytest.FailureOf(t, w); w.Code != 500 || f.Reason() != gateway.ReasonPanic {
			t.Errorf("got %d %s", w.Code, w.Body)
		}
	}
}
