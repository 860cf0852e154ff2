package e2e_test

import (
	"bytes"
	"context"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/descriptorpb"

	"github.com/mqrpc/mqrpc/catalog"
	"github.com/mqrpc/mqrpc/contract"
	"github.com/mqrpc/mqrpc/examples/wxapp/manager"
	wxappv1 "github.com/mqrpc/mqrpc/examples/wxapp/proto/wxapp/v1"
	mqrpcv1 "github.com/mqrpc/mqrpc/proto/mqrpc/v1"
	registrymemory "github.com/mqrpc/mqrpc/registry/memory"
	"github.com/mqrpc/mqrpc/runtime"
	"github.com/mqrpc/mqrpc/runtime/memory"
	"github.com/mqrpc/mqrpc/runtime/transport"
)

func TestWorkerThatBreaksTheContractIsRefused(t *testing.T) {
	broker := memory.NewBroker(memory.Config{})
	refuseWorker(t, func() transport.Transport { return closeAfter(t, broker.Connect()) })
}

// refuseWorker has a worker of wxapp 1.0 serve a contract that breaks the one in
// the registry: it stops taking calls and says why, until the registry has its
// contract. Nothing else may serve wxapp on that broker.
func refuseWorker(t *testing.T, connect func() transport.Transport) {
	t.Helper()
	var log lockedBuffer
	worker := runtime.NewWorker(connect(), runtime.WorkerConfig{Logger: slog.New(slog.NewTextHandler(&log, nil))})
	wxappv1.RegisterWxappManagerServer(worker, &manager.V1{})
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- worker.Run(ctx) }()
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	<-worker.Ready()

	conn := connect()
	client := (&rig{t: t}).clientOn(conn, runtime.ClientConfig{Timeout: 500 * time.Millisecond})
	own, err := runtime.Describe(t.Context(), client, "wxapp", "1.0")
	if err != nil {
		t.Fatal(err)
	}
	store := registrymemory.New()
	t.Cleanup(func() { _ = store.Close() })
	push := func(sequence int64, files *descriptorpb.FileDescriptorSet) {
		t.Helper()
		api := &mqrpcv1.Api{Module: "wxapp", Version: "1.0", Sequence: sequence, Files: files, Revision: contract.Revision(files)}
		if err := store.Announce(t.Context(), api); err != nil {
			t.Fatal(err)
		}
		if err := store.Save(t.Context(), api); err != nil {
			t.Fatal(err)
		}
	}
	push(1, retyped(own.GetFiles()))
	apis, err := catalog.New(catalog.Config{
		Workers: catalog.WorkersOf(client, conn), Transport: conn, Store: store, Notifier: store, Logger: quiet(),
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = apis.Close(context.Background()) })
	if _, err := apis.API(t.Context(), "wxapp", "1.0"); err != nil {
		t.Fatal(err)
	}
	call := func() error {
		_, err := wxappv1.NewWxappManagerClient(client).SessionKey(t.Context(), &wxappv1.SessionKeyRequest{Code: []byte("wrdfddsf")})
		return err
	}
	eventually(t, 20*time.Second, "the worker takes no more calls", func() bool { return call() != nil })
	eventually(t, 20*time.Second, "its log says why", func() bool {
		return strings.Contains(log.String(), "gateways refuse this worker's contract") && strings.Contains(log.String(), "SessionKeyRequest")
	})
	push(2, own.GetFiles())
	eventually(t, 20*time.Second, "it takes calls again", func() bool { return call() == nil })
}

// retyped is the contract of wxapp with a field of another type.
func retyped(files *descriptorpb.FileDescriptorSet) *descriptorpb.FileDescriptorSet {
	changed := proto.CloneOf(files)
	for _, file := range changed.GetFile() {
		for _, message := range file.GetMessageType() {
			if message.GetName() == "SessionKeyRequest" {
				message.GetField()[0].Type = descriptorpb.FieldDescriptorProto_TYPE_INT64.Enum()
			}
		}
	}
	return changed
}

// lockedBuffer is a log.
type lockedBuffer struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}
