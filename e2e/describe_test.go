package e2e_test

import (
	"context"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"

	"github.com/mqrpc/mqrpc/contract"
	wxappv1 "github.com/mqrpc/mqrpc/examples/wxapp/proto/wxapp/v1"
	mqrpcv1 "github.com/mqrpc/mqrpc/proto/mqrpc/v1"
	"github.com/mqrpc/mqrpc/runtime"
	"github.com/mqrpc/mqrpc/wire"
)

// describable starts a worker of a generated service, in a module of its own.
func (r *rig) describable(transport runtime.Transport, config runtime.WorkerConfig) (service *runtime.Service, stop func()) {
	r.t.Helper()
	copied := *wxappv1.WxappManager_Service
	copied.Module = r.echo.service.Module
	config.Logger = quiet()
	worker := runtime.NewWorker(transport, config)
	worker.Register(&copied)
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- worker.Run(ctx) }()
	<-worker.Ready()
	stop = func() {
		cancel()
		if err := <-ended; err != nil {
			r.t.Errorf("stop: %v", err)
		}
		ended <- nil
	}
	r.t.Cleanup(stop)
	return &copied, stop
}

func TestWorkerDescribesItself(t *testing.T) {
	onEachStack(t, func(t *testing.T, r *rig) {
		service, _ := r.describable(r.connect(), runtime.WorkerConfig{})
		description, err := runtime.Describe(t.Context(), r.client(runtime.ClientConfig{}), service.Module, service.Version)
		if err != nil {
			t.Fatal(err)
		}
		if got := description.GetServices(); len(got) != 1 || got[0] != "wxapp.v1.WxappManager" {
			t.Errorf("it describes the services %v", got)
		}
		if got := description.GetRevision(); got != contract.Revision(description.GetFiles()) || got == "" {
			t.Errorf("its revision is %q", got)
		}
		files, err := protodesc.NewFiles(description.GetFiles())
		if err != nil {
			t.Fatalf("its files do not link: %v", err)
		}
		if _, err := files.FindDescriptorByName("wxapp.v1.WxappManager"); err != nil {
			t.Error(err)
		}
	})
}

func TestWorkerWithoutDescriptorsSaysSo(t *testing.T) {
	onEachStack(t, func(t *testing.T, r *rig) {
		r.worker("w", runtime.WorkerConfig{})
		_, err := runtime.Describe(t.Context(), r.client(runtime.ClientConfig{}), r.echo.service.Module, "1.0")
		expectCode(t, err, codes.FailedPrecondition)
	})
}

func TestWorkerAnnouncesItself(t *testing.T) {
	onEachStack(t, func(t *testing.T, r *rig) {
		heard := make(chan *mqrpcv1.Announcement, 1000)
		listener, err := r.connect().Consume(t.Context(), runtime.Queue{
			Name: wire.RegistryQueue(r.echo.service.Module), Exchange: wire.RegistryExchange, Expires: time.Minute,
		}, func(delivery *runtime.Delivery) {
			defer delivery.Settle.Ack()
			var announcement mqrpcv1.Announcement
			if delivery.Type != wire.TypeAnnouncement || proto.Unmarshal(delivery.Body, &announcement) != nil {
				return
			}
			if announcement.GetModule() == r.echo.service.Module {
				heard <- &announcement
			}
		})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = listener.Stop(context.Background()) })

		service, stop := r.describable(r.connect(), runtime.WorkerConfig{Instance: "i-1", AnnounceInterval: 20 * time.Millisecond})
		for range 3 { // at the start, and again and again
			first := <-heard
			if first.GetVersion() != service.Version || first.GetInstance() != "i-1" || first.GetLanguage() != "go" ||
				first.GetPid() == 0 || first.GetRevision() == "" || first.GetStopping() {
				t.Fatalf("announced: %v", first)
			}
			if got := first.GetValidFor().AsDuration(); got != 60*time.Millisecond {
				t.Errorf("valid for %v", got)
			}
		}
		stop()
		for last := range heard {
			if last.GetStopping() {
				return
			}
		}
	})
}
