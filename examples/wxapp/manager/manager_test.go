package manager_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"log/slog"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"

	"github.com/mqrpc/mqrpc/examples/wxapp/manager"
	wxappv1 "github.com/mqrpc/mqrpc/examples/wxapp/proto/wxapp/v1"
	wxappv1p1 "github.com/mqrpc/mqrpc/examples/wxapp/proto/wxapp/v1_1"
	"github.com/mqrpc/mqrpc/runtime"
	"github.com/mqrpc/mqrpc/runtime/memory"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// This is how a service is tested without a broker: the worker and the client
// share one in memory.
func TestBothVersions(t *testing.T) {
	caller := serve(t)
	code := []byte("wrfdfdsf")
	old, err := wxappv1.NewWxappManagerClient(caller).SessionKey(t.Context(), &wxappv1.SessionKeyRequest{Code: code})
	if err != nil {
		t.Fatal(err)
	}
	session, err := wxappv1p1.NewWxappManagerClient(caller).SessionKey(t.Context(), &wxappv1p1.SessionKeyRequest{Code: code})
	if err != nil {
		t.Fatal(err)
	}
	if got := base64.StdEncoding.EncodeToString(old.GetSessionKey()); got != "WWFZPria9EKhZUiOtJ+WSA==" {
		t.Errorf("key %s", got)
	}
	if !bytes.Equal(session.GetSessionKey(), old.GetSessionKey()) {
		t.Error("the versions give different keys")
	}
	if session.GetOpenId() != "oM_4UwA6fpHv3AVsTkxzwjQ" || session.GetExpiresIn().AsDuration() != 2*time.Hour {
		t.Errorf("session %v", session)
	}
}

func TestSendMessage(t *testing.T) {
	client := wxappv1.NewWxappManagerClient(serve(t))
	key := make([]byte, 16)
	sent, err := client.SendMessage(t.Context(), &wxappv1.SendMessageRequest{SessionKey: key, Text: strings.Repeat("微", 140)})
	if err != nil || sent.GetMessageId() == "" {
		t.Errorf("got %v, %v", sent, err)
	}
}

func TestInvalidRequests(t *testing.T) {
	caller := serve(t)
	v1, v1p1 := wxappv1.NewWxappManagerClient(caller), wxappv1p1.NewWxappManagerClient(caller)
	send := func(request *wxappv1.SendMessageRequest) error {
		_, err := v1.SendMessage(t.Context(), request)
		return err
	}
	_, noCode := v1.SessionKey(t.Context(), &wxappv1.SessionKeyRequest{})
	_, noCode11 := v1p1.SessionKey(t.Context(), &wxappv1p1.SessionKeyRequest{})
	key := make([]byte, 16)
	for field, errs := range map[string][]error{
		"Code":       {noCode, noCode11},
		"SessionKey": {send(&wxappv1.SendMessageRequest{Text: "hi"})},
		"Text": {
			send(&wxappv1.SendMessageRequest{SessionKey: key}),
			send(&wxappv1.SendMessageRequest{SessionKey: key, Text: strings.Repeat("x", 141)}),
		},
	} {
		for _, err := range errs {
			requireFieldViolation(t, err, field)
		}
	}
}

func requireFieldViolation(t *testing.T, err error, field string) {
	t.Helper()
	if runtime.CodeOf(err) != codes.InvalidArgument {
		t.Errorf("%s: got %v", field, err)
		return
	}
	details := runtime.AsError(err).Details()
	if len(details) != 1 {
		t.Errorf("%s: details %v", field, details)
		return
	}
	violations, _ := details[0].(*errdetails.BadRequest)
	if got := violations.GetFieldViolations(); len(got) != 1 || got[0].GetField() != field {
		t.Errorf("%s: got %v", field, got)
	}
}

// serve starts a worker with both versions, and returns a client.
func serve(t *testing.T) *runtime.Client {
	t.Helper()
	quiet := slog.New(slog.DiscardHandler)
	transport := memory.NewBroker(memory.Config{}).Connect()
	worker := runtime.NewWorker(transport, runtime.WorkerConfig{Logger: quiet})
	wxappv1.RegisterWxappManagerServer(worker, &manager.V1{})
	wxappv1p1.RegisterWxappManagerServer(worker, &manager.V1p1{})
	ctx, stop := context.WithCancel(context.Background())
	stopped := make(chan error)
	go func() { stopped <- worker.Run(ctx) }()
	<-worker.Ready()
	client := runtime.NewClient(transport, runtime.ClientConfig{Logger: quiet})
	t.Cleanup(func() {
		if err := client.Close(context.Background()); err != nil {
			t.Error(err)
		}
		stop()
		if err := <-stopped; err != nil {
			t.Error(err)
		}
		if err := transport.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return client
}
