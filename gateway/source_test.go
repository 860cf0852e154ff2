package gateway_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"testing"
	"time"

	wxappv1 "github.com/mqrpc/mqrpc/examples/wxapp/proto/wxapp/v1"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/types/descriptorpb"
	"google.golang.org/protobuf/types/dynamicpb"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/mqrpc/mqrpc/catalog"
	"github.com/mqrpc/mqrpc/gateway"
	"github.com/mqrpc/mqrpc/gateway/form"
	"github.com/mqrpc/mqrpc/gateway/gatewaytest"
	"github.com/mqrpc/mqrpc/runtime"
	"github.com/mqrpc/mqrpc/transcode"
)

func TestSources(t *testing.T) {
	none := gatewaytest.Source(func(context.Context, string, string) (*catalog.API, error) { return nil, catalog.ErrUnknownModule })
	moduleOnly := gatewaytest.Source(func(context.Context, string, string) (*catalog.API, error) { return nil, catalog.ErrUnknownVersion })
	down := gatewaytest.Source(func(context.Context, string, string) (*catalog.API, error) { return nil, errors.New("store is down") })
	broken := gatewaytest.Source(func(_ context.Context, module, version string) (*catalog.API, error) {
		return &catalog.API{Module: module, Version: version, Services: []*runtime.Service{{Methods: []*runtime.Method{{Module: module, Version: version, Name: "WxappManager.SessionKey"}}}}}, nil
	})
	tests := map[string]struct {
		sources []gateway.Source
		status  int
		reason  string
	}{
		"none at all":                {[]gateway.Source{}, 404, gateway.ReasonUnknownModule},
		"the second knows":           {[]gateway.Source{none, gatewaytest.Static(t)}, 200, ""},
		"one knows the module":       {[]gateway.Source{moduleOnly, none}, 404, gateway.ReasonUnknownVersion},
		"one is down, another knows": {[]gateway.Source{down, gatewaytest.Static(t)}, 200, ""},
		"one is down, none knows":    {[]gateway.Source{none, down, moduleOnly}, 503, gateway.ReasonLookupFailed},
		"a method without messages":  {[]gateway.Source{broken}, 500, gateway.ReasonBrokenContract},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			w := gatewaytest.Post(gatewaytest.New(t, gateway.Config{Sources: test.sources}), gatewaytest.FormType, gatewaytest.SessionKey)
			if w.Code != test.status {
				t.Fatalf("got %d %s", w.Code, w.Body)
			}
			if test.status != 200 && gatewaytest.FailureOf(t, w).Reason() != test.reason {
				t.Errorf("got %s, want reason %s", w.Body, test.reason)
			}
		})
	}
}

func TestSlowSource(t *testing.T) {
	slow := gatewaytest.Source(func(ctx context.Context, _, _ string) (*catalog.API, error) {
		<-ctx.Done()
		return nil, ctx.Err()
	})
	w := gatewaytest.Post(gatewaytest.New(t, gateway.Config{Sources: []gateway.Source{slow}}), gatewaytest.FormType, gatewaytest.SessionKey, form.TimeoutHeader, "5ms")
	if w.Code != http.StatusGatewayTimeout {
		t.Errorf("got %d %s", w.Code, w.Body)
	}
}

// TestSourceChangesAnAPI: a method comes, another goes, without a new gateway.
func TestSourceChangesAnAPI(t *testing.T) {
	var now *catalog.API
	g := gatewaytest.New(t, gateway.Config{Sources: []gateway.Source{
		gatewaytest.Source(func(context.Context, string, string) (*catalog.API, error) { return now, nil }),
	}})
	method := func(name string) *runtime.Method {
		return &runtime.Method{Module: "wxapp", Version: "1.0", Name: name, Request: &wxappv1.SessionKeyRequest{}, Response: &wxappv1.SessionKeyResponse{}}
	}
	change := func(methods ...*runtime.Method) {
		now = &catalog.API{Module: "wxapp", Version: "1.0", Services: []*runtime.Service{{Methods: methods}}}
	}
	expect := func(name string, status int) {
		t.Helper()
		w := gatewaytest.Post(g, gatewaytest.FormType, gatewaytest.Form("module", "wxapp", "version", "1.0", "method", name, "bizContent", "{}"))
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
			_, err = gateway.New(gateway.Config{Caller: gatewaytest.Caller(gatewaytest.Echo), Sources: []gateway.Source{source}})
		}
		if err == nil {
			t.Errorf("%s is accepted", name)
		}
	}
}

// TestTwoGatewaysShareAnAPI: what one makes of it is not the other's.
func TestTwoGatewaysShareAnAPI(t *testing.T) {
	api := gatewaytest.WithPolicy(nil)
	plain := gatewaytest.New(t, gateway.Config{Sources: gatewaytest.Only(api)})
	full := gatewaytest.New(t, gateway.Config{Sources: gatewaytest.Only(api), JSON: transcode.Options{UseProtoNames: true}})
	for range 2 {
		if got := gatewaytest.Post(plain, gatewaytest.FormType, gatewaytest.SessionKey).Body.String(); got != gatewaytest.SessionKeyAnswer {
			t.Errorf("the first: %s", got)
		}
		if got := gatewaytest.Post(full, gatewaytest.FormType, gatewaytest.SessionKey).Body.String(); got != `{"session_key":"d3JmZGZkc2Y="}` {
			t.Errorf("the second: %s", got)
		}
	}
}

// TestOneMethodIsBroken: the others of its API are called all the same.
func TestOneMethodIsBroken(t *testing.T) {
	api := gatewaytest.WithPolicy(nil)
	api.Services = append(api.Services, &runtime.Service{Methods: []*runtime.Method{{Module: "wxapp", Version: "1.0", Name: "A.Broken"}}})
	g := gatewaytest.New(t, gateway.Config{Sources: gatewaytest.Only(api)})
	if w := gatewaytest.Post(g, gatewaytest.FormType, gatewaytest.Call("A.Broken", "{}")); w.Code != 500 {
		t.Errorf("the broken one: got %d %s", w.Code, w.Body)
	}
	if w := gatewaytest.Post(g, gatewaytest.FormType, gatewaytest.SessionKey); w.Code != 200 {
		t.Errorf("another: got %d %s", w.Code, w.Body)
	}
}

// TestManyMethods: a contract with very many methods of large messages costs a
// call no more than its own method's messages.
func TestManyMethods(t *testing.T) {
	const count = 5000
	file := &descriptorpb.FileDescriptorProto{Name: proto.String("many.proto"), Syntax: proto.String("proto3")}
	for i := range count { // each message holds the next one
		file.MessageType = append(file.GetMessageType(), &descriptorpb.DescriptorProto{
			Name: proto.String(fmt.Sprintf("M%d", i)),
			Field: []*descriptorpb.FieldDescriptorProto{{
				Name: proto.String("next"), Number: proto.Int32(1), TypeName: proto.String(fmt.Sprintf(".M%d", (i+1)%count)),
				Type: descriptorpb.FieldDescriptorProto_TYPE_MESSAGE.Enum(), Label: descriptorpb.FieldDescriptorProto_LABEL_OPTIONAL.Enum(),
			}},
		})
	}
	linked, err := protodesc.NewFile(file, nil)
	if err != nil {
		t.Fatal(err)
	}
	service := &runtime.Service{}
	for i := range count {
		message := dynamicpb.NewMessage(linked.Messages().Get(i))
		service.Methods = append(service.Methods, &runtime.Method{Module: "m", Version: "1", Name: fmt.Sprintf("S.M%d", i), Request: message, Response: message})
	}
	g := gatewaytest.New(t, gateway.Config{
		Sources: gatewaytest.Only(&catalog.API{Module: "m", Version: "1", Services: []*runtime.Service{service}}),
		Caller: gatewaytest.Caller(func(_ context.Context, call *runtime.Call) (*runtime.Reply, error) {
			return &runtime.Reply{Payload: call.Payload}, nil
		}),
	})
	began := time.Now()
	w := gatewaytest.Post(g, gatewaytest.FormType, gatewaytest.Form("module", "m", "version", "1", "method", "S.M7", "bizContent", `{"next":{}}`))
	if took := time.Since(began); w.Code != 200 || took > 2*time.Second {
		t.Errorf("got %d %.200s after %s", w.Code, w.Body, took)
	}
}
