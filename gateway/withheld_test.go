package gateway_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/mqrpc/mqrpc/catalog"
	"github.com/mqrpc/mqrpc/gateway"
	"github.com/mqrpc/mqrpc/gateway/form"
	"github.com/mqrpc/mqrpc/gateway/gatewaytest"
	"github.com/mqrpc/mqrpc/runtime"
	"github.com/mqrpc/mqrpc/runtime/transport"
)

// errInside is an error as drivers, dialers and file systems make them, by way of
// the gateway's own packages.
var errInside = errors.New("connect to user@10.1.2.3:5672/%2F: dial tcp 10.1.2.3:5672: connect: connection refused; " +
	"pq: no such host db.internal; open /var/lib/mqrpc/v1/wx: permission denied; consume the queue reply_gateway-7; *net.OpError")

// markers are parts of what no caller may read.
var markers = []string{
	"10.1.2.3", "5672", "user@", "dial", "tcp", "pq:", "db.internal", "/var/", "reply_", "server_", "*net", "OpError", "refused;",
	"context deadline", "context canceled",
}

// TestStrangersReadNothingInternal drives every outcome in which the gateway
// itself says why. The caller is told a code and a text that help; the log has
// the rest.
func TestStrangersReadNothingInternal(t *testing.T) {
	fails := func(err error) gateway.Config { return gateway.Config{Caller: gatewaytest.Failing(err)} }
	lookup := func(err error) gateway.Config {
		return gateway.Config{Sources: []gateway.Source{gatewaytest.Source(func(context.Context, string, string) (*catalog.API, error) { return nil, err })}}
	}
	tests := map[string]struct {
		config gateway.Config
		status int
		text   string // what the caller is told, in part
		unsaid bool   // the log has nothing more
	}{
		"lookup fails":     {lookup(errInside), 503, "wxapp/1.0 could not be looked up now", false},
		"too many lookups": {lookup(fmt.Errorf("load: %w", catalog.ErrBusy)), 503, "too many unknown APIs", true},
		"lookup outlasts its time": {gateway.Config{Sources: []gateway.Source{gatewaytest.Source(func(ctx context.Context, _, _ string) (*catalog.API, error) {
			<-ctx.Done()
			return nil, fmt.Errorf("%w: %w", errInside, ctx.Err())
		})}, Timeouts: gateway.Timeouts{Call: 1}}, 504, "wxapp/1.0 could not be looked up in time", false},
		"no messages": {gateway.Config{Sources: gatewaytest.Only(&catalog.API{Module: "wxapp", Version: "1.0", Services: []*runtime.Service{
			{Methods: []*runtime.Method{{Module: "wxapp", Version: "1.0", Name: "WxappManager.SessionKey"}}},
		}})}, 500, "the contract of wxapp/1.0 cannot be used", true},
		"no worker":          {fails(runtime.Errorf(codes.Unavailable, "there is no queue server_wxapp_1.0: %w: %w", errInside, runtime.ErrNoWorker)), 503, "no worker serves wxapp/1.0 now", false},
		"not connected":      {fails(runtime.Errorf(codes.Unavailable, "the client's reply queue is not ready: %w", fmt.Errorf("%w: %w", transport.ErrDisconnected, errInside))), 503, "not connected to the broker", false},
		"blocked":            {fails(runtime.Errorf(codes.Unavailable, "reply_x: %w", fmt.Errorf("%w: %w", transport.ErrBlocked, errInside))), 503, "the broker blocks publishers", false},
		"backlog":            {fails(runtime.Errorf(codes.ResourceExhausted, "reply_x: %w", fmt.Errorf("%w: %w", transport.ErrBacklog, errInside))), 429, "too many messages wait", false},
		"refused":            {fails(runtime.Errorf(codes.ResourceExhausted, "reply_x: %w", fmt.Errorf("%w: %w", transport.ErrRefused, errInside))), 429, "the broker refused the message", false},
		"expired":            {fails(runtime.Errorf(codes.DeadlineExceeded, "reply_x: %w", fmt.Errorf("%w: %w", transport.ErrExpired, errInside))), 504, "the deadline passed", false},
		"lost":               {fails(runtime.Errorf(codes.Aborted, "reply_x: %w", fmt.Errorf("%w: %w", transport.ErrLost, errInside))), 409, "the connection broke", false},
		"closed":             {fails(runtime.Errorf(codes.Unavailable, "reply_x: %w", fmt.Errorf("%w: %w", transport.ErrClosed, errInside))), 503, "the transport is closed", false},
		"another outage":     {fails(runtime.Errorf(codes.Unavailable, "the client has no reply queue: %w", errInside)), 503, "failed", false},
		"no reply":           {fails(runtime.Errorf(codes.DeadlineExceeded, "no reply: %w: %w", errInside, context.DeadlineExceeded)), 504, "no reply in time", false},
		"caller gone":        {fails(runtime.Errorf(codes.Canceled, "the caller gave up: %w: %w", errInside, context.Canceled)), 499, "the caller has gone", false},
		"undecodable error":  {fails(runtime.Errorf(codes.Internal, "the worker's error cannot be decoded: %w", errInside)), 500, "its log says why", false},
		"plain error":        {fails(errInside), 500, "its log says why", false},
		"plain end of time":  {fails(fmt.Errorf("%w: %w", errInside, context.DeadlineExceeded)), 504, "no reply in time", false},
		"a worker's own":     {fails(runtime.ErrorFromProto(runtime.NewError(codes.NotFound, "no such code").Proto())), 404, "no such code", true},
		"the call is wrong":  {fails(runtime.Errorf(codes.InvalidArgument, "the call cannot be sent: %w", errors.New("metadata is too long"))), 400, "metadata is too long", true},
		"too large":          {fails(runtime.NewError(codes.ResourceExhausted, "the request has 7 bytes, more than the 6 allowed")), 429, "more than the 6 allowed", true},
		"a gRPC status":      {fails(status.Error(codes.FailedPrecondition, "used already")), 400, "used already", true},
		"a filter's error":   {gateway.Config{Filters: []gateway.Filter{refusing(errInside)}}, 500, "its log says why", false},
		"a filter's refusal": {gateway.Config{Filters: []gateway.Filter{refusing(runtime.NewError(codes.PermissionDenied, "not you"))}}, 403, "not you", true},
		"middleware's error": {gateway.Config{Fronts: []gateway.Front{failingFront{errInside}}}, 500, "its log says why", false},
		"panic":              {gateway.Config{Caller: gatewaytest.Caller(func(context.Context, *runtime.Call) (*runtime.Reply, error) { panic(errInside) })}, 500, "the gateway failed", false},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			var log gatewaytest.Log
			test.config.Logger = slog.New(slog.NewTextHandler(&log, nil))
			w := gatewaytest.Post(gatewaytest.New(t, test.config), gatewaytest.FormType, gatewaytest.SessionKey)
			if w.Code != test.status || !strings.Contains(w.Body.String(), test.text) {
				t.Errorf("got %d %s, want %d with %q", w.Code, w.Body, test.status, test.text)
			}
			wantNothingInternal(t, w)
			if got := log.String(); !test.unsaid && !strings.Contains(got, "dial tcp 10.1.2.3:5672") {
				t.Errorf("the log does not say why: %s", got)
			}
		})
	}
}

func wantNothingInternal(t *testing.T, w *httptest.ResponseRecorder) {
	t.Helper()
	for _, marker := range markers {
		if strings.Contains(w.Body.String(), marker) {
			t.Errorf("the caller reads %q in %s", marker, w.Body)
		}
	}
}

func refusing(err error) gateway.Filter {
	return gateway.Filter{Stage: gateway.StageAuthorise, Wrap: func(*catalog.API, gateway.Handler) gateway.Handler {
		return func(context.Context, *gateway.Request) gateway.Response { return gateway.Response{Err: err} }
	}}
}

// failingFront answers with an error.
type failingFront struct{ err error }

func (f failingFront) Register(mux *http.ServeMux, g *gateway.Gateway) {
	mux.HandleFunc(form.Path, func(w http.ResponseWriter, r *http.Request) { g.WriteError(w, r, f.err) })
}

// TestBodyThatBreaksOff: what the network said is not for the caller.
func TestBodyThatBreaksOff(t *testing.T) {
	for name, gone := range map[string]bool{"malformed": false, "the caller has gone": true} {
		t.Run(name, func(t *testing.T) {
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			body := io.MultiReader(strings.NewReader("module=wxapp"), readFailure{func() {
				if gone {
					cancel()
				}
			}})
			r := httptest.NewRequestWithContext(ctx, http.MethodPost, form.Path, body)
			r.Header.Set("Content-Type", gatewaytest.FormType)
			w := httptest.NewRecorder()
			gatewaytest.New(t, gateway.Config{}).ServeHTTP(w, r)
			if want := map[bool]int{false: 400, true: 499}[gone]; w.Code != want {
				t.Errorf("got %d %s, want %d", w.Code, w.Body, want)
			}
			wantNothingInternal(t, w)
		})
	}
}

type readFailure struct{ before func() }

func (f readFailure) Read([]byte) (int, error) {
	f.before()
	return 0, errInside
}

// TestReadinessIsForStrangers: whether, not why.
func TestReadinessIsForStrangers(t *testing.T) {
	g := gatewaytest.New(t, gateway.Config{
		State:    func() transport.State { return transport.State{Err: errInside} },
		Registry: func() catalog.RegistryHealth { return catalog.RegistryHealth{Error: errInside.Error()} },
	})
	w := gatewaytest.Get(g, "/readyz")
	if w.Code != 503 || !strings.Contains(w.Body.String(), `"available":false`) {
		t.Errorf("got %d %s", w.Code, w.Body)
	}
	wantNothingInternal(t, w)
}

// TestLongErrorsAreCutInTheLog: a worker chooses their text, and how often.
func TestLongErrorsAreCutInTheLog(t *testing.T) {
	var log gatewaytest.Log
	long := runtime.ErrorFromProto(runtime.NewError(codes.NotFound, strings.Repeat("x", 1<<20)).Proto())
	g := gatewaytest.New(t, gateway.Config{Caller: gatewaytest.Failing(long), Logger: slog.New(slog.NewTextHandler(&log, nil))})
	if w := gatewaytest.Post(g, gatewaytest.FormType, gatewaytest.SessionKey); w.Code != 404 || w.Body.Len() < 1<<20 {
		t.Errorf("got %d, %d bytes", w.Code, w.Body.Len())
	}
	if got := len(log.String()); got > 4096 {
		t.Errorf("the line has %d bytes", got)
	}
}
