package e2e_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
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

func TestWorkerClaimsItsAPIs(t *testing.T) {
	onEachStack(t, func(t *testing.T, r *rig) {
		heard := make(chan *mqrpcv1.Claim, 1000)
		listener, err := r.connect().Consume(t.Context(), runtime.Queue{
			Name:      wire.ListenerQueue(r.echo.service.Module),
			Bindings:  []runtime.Binding{{Exchange: wire.AnnouncementsExchange, Key: r.echo.service.Module + ".*"}},
			Exclusive: true,
		}, func(delivery *runtime.Delivery) {
			defer delivery.Settle.Ack()
			if delivery.Type != wire.TypeClaim {
				return
			}
			claim, err := wire.DecodeClaim(delivery.Body, delivery.RoutingKey)
			if err != nil {
				t.Error(err)
				return
			}
			heard <- claim
		})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = listener.Stop(context.Background()) })

		service, stop := r.describable(r.connect(), runtime.WorkerConfig{Name: "i", HeartbeatInterval: 20 * time.Second})
		first := <-heard
		if first.GetVersion() != service.Version || !strings.HasPrefix(first.GetInstance(), "i-") || first.GetLanguage() != "go" ||
			first.GetPid() == 0 || first.GetRevision() == "" || first.GetStopping() {
			t.Fatalf("claimed: %v", first)
		}
		if got := first.GetValidFor().AsDuration(); got != time.Minute {
			t.Errorf("valid for %v", got)
		}
		stop()
		for last := range heard {
			if last.GetStopping() {
				return
			}
		}
	})
}
