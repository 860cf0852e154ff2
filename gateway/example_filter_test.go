package gateway_test

import (
	"context"
	"fmt"
	"time"

	"google.golang.org/grpc/codes"

	"github.com/mqrpc/mqrpc/catalog"
	wxappv1 "github.com/mqrpc/mqrpc/examples/wxapp/proto/wxapp/v1"
	wxappv1p1 "github.com/mqrpc/mqrpc/examples/wxapp/proto/wxapp/v1_1"
	"github.com/mqrpc/mqrpc/gateway"
	"github.com/mqrpc/mqrpc/gateway/form"
	"github.com/mqrpc/mqrpc/gateway/gatewaytest"
	"github.com/mqrpc/mqrpc/runtime"
)

// byHeader refuses callers without a token.
func byHeader() gateway.Filter {
	return gateway.Filter{Stage: gateway.StageAuthenticate, Wrap: func(_ *catalog.API, next gateway.Handler) gateway.Handler {
		return func(ctx context.Context, request *gateway.Request) gateway.Response {
			if request.Header.Get("Authorization") == "" {
				return gateway.Response{Err: runtime.NewError(codes.Unauthenticated, "who are you?")}
			}
			return next(ctx, request)
		}
	}}
}

// canary sends callers who ask for it to another version of the module.
func canary(module, from, to string) gateway.Filter {
	return gateway.Filter{Stage: gateway.StageSplit, Wrap: func(api *catalog.API, next gateway.Handler) gateway.Handler {
		if api.Module != module || api.Version != from {
			return next
		}
		return func(ctx context.Context, request *gateway.Request) gateway.Response {
			if request.Header.Get("X-Canary") != "" {
				if err := request.Resolve(ctx, module, to, request.Route.Method.Name); err != nil {
					return gateway.Response{Err: err}
				}
			}
			return next(ctx, request)
		}
	}}
}

// observed prints what was called, how it ended, and whether it was fast.
func observed() gateway.Filter {
	return gateway.Filter{Stage: gateway.StageRecord, Wrap: func(_ *catalog.API, next gateway.Handler) gateway.Handler {
		return func(ctx context.Context, request *gateway.Request) gateway.Response {
			began := time.Now()
			response := next(ctx, request)
			fmt.Println(request.Route, runtime.CodeOf(response.Err), time.Since(began) < time.Minute)
			return response
		}
	}}
}

// Filters of one's own: one refuses by a header, one has another version called,
// one sees outcome and time.
func ExampleFilter() {
	routes, err := gateway.Static(wxappv1.WxappManager_Service, wxappv1p1.WxappManager_Service)
	check(err)
	handler, err := gateway.New(gateway.Config{
		Caller:  gatewaytest.Caller(gatewaytest.Echo), // a *runtime.Client
		Sources: []gateway.Source{routes},
		Fronts:  []gateway.Front{form.New()},
		Filters: []gateway.Filter{observed(), byHeader(), canary("wxapp", "1.0", "1.1")},
	})
	check(err)

	call := func(headers ...string) {
		fmt.Println(gatewaytest.Post(handler, gatewaytest.FormType, gatewaytest.SessionKey, headers...).Code)
	}
	call()
	call("Authorization", "Bearer me")
	call("Authorization", "Bearer me", "X-Canary", "yes")
	// Output:
	// wxapp/1.0/WxappManager.SessionKey Unauthenticated true
	// 401
	// wxapp/1.0/WxappManager.SessionKey OK true
	// 200
	// wxapp/1.1/WxappManager.SessionKey OK true
	// 200
}
