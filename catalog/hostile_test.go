package catalog_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/mqrpc/mqrpc/catalog"
	"github.com/mqrpc/mqrpc/contract"
	mqrpcv1 "github.com/mqrpc/mqrpc/proto/mqrpc/v1"
	"github.com/mqrpc/mqrpc/registry"
	"github.com/mqrpc/mqrpc/registry/registrytest"
	"github.com/mqrpc/mqrpc/runtime/memory"
	"github.com/mqrpc/mqrpc/runtime/transport"
)

// claimant claims instances of greeter 1.0 that are not there.
func claimant(t *testing.T, broker *memory.Broker) func(instance, revision string, services ...string) {
	conn := broker.Connect()
	t.Cleanup(func() { _ = conn.Close(context.Background()) })
	return func(instance, revision string, services ...string) {
		claim(t, conn, greeter, instance, revision, services)
	}
}

func claim(t *testing.T, conn transport.Transport, key contract.Key, instance, revision string, services []string) {
	t.Helper()
	send(t, conn, &mqrpcv1.Claim{
		Module: key.Module, Version: key.Version, Instance: instance,
		Revision: revision, Services: services, ValidFor: durationpb.New(time.Minute),
	})
}

// TestManyServicesAndInstances: what is kept and logged of instances that do not
// serve many services has a bound. One that serves more services than are kept
// is not said to lack the rest.
func TestManyServicesAndInstances(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const services, instances = 200, 100
		api := registrytest.API(greeter, 1, 1)
		file := api.GetFiles().GetFile()[len(api.GetFiles().GetFile())-1]
		names := []string{"greeter.v1.Greeter"}
		for i := range services {
			another := proto.CloneOf(file.GetService()[0])
			another.Name = proto.String(fmt.Sprintf("Service%d", i))
			file.Service = append(file.GetService(), another)
			names = append(names, "greeter.v1."+another.GetName())
		}
		api.Revision = contract.Revision(api.GetFiles())
		broker := memory.NewBroker(memory.Config{})
		told := &logged{}
		s := newStand(t, broker, catalog.Config{Logger: told.logger()})
		startWorker(t, broker, "a", api)
		claim := claimant(t, broker)
		claim("whole", api.GetRevision(), names...)
		for i := range instances {
			claim(fmt.Sprintf("partial-%d", i), api.GetRevision(), "greeter.v1.Greeter")
		}
		s.expect(`{}`, "")
		for _, worker := range s.detail().Workers {
			if want := 10; strings.HasPrefix(worker.Instance, "partial") && len(worker.Missing) != want {
				t.Errorf("%s lacks %d services, want %d of them named", worker.Instance, len(worker.Missing), want)
			}
		}
		if got := s.catalog.Stats().Partial; got != instances {
			t.Errorf("%d instances are partial, want %d", got, instances)
		}
		if one, rest := told.lines("does not serve all services"), told.lines("more instances do not serve", "more=90"); one != 10 || rest != 1 {
			t.Errorf("told of in %d lines and %d for the rest", one, rest)
		}
	})
}

// TestInstancesThatCannotBeTold hold up nothing else of their API for longer than
// a step, however many they are.
func TestInstancesThatCannotBeTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		broker := memory.NewBroker(memory.Config{})
		r := newRegistry(t)
		save(t, r, registrytest.API(greeter, 1, 2))
		s := newStand(t, broker, catalog.Config{Store: r, Notifier: r})
		good := startGreeter(t, broker, "good", 2)
		good.announce(false)
		s.expect(`{"field1":"x"}`, "")
		startWorker(t, broker, "broken", diverging()).announce(false)
		pass(time.Second)
		s.workers.deaf.Store(true)
		claim := claimant(t, broker)
		for i := range 50 {
			claim(fmt.Sprintf("broken-%d", i), contract.Revision(diverging().GetFiles()))
		}
		pass(2*catalog.DefaultStepTimeout + time.Second) // most of them are told now
		latest := registrytest.API(greeter, 2, 3)
		began := time.Now()
		save(t, r, latest)
		if err := r.Announce(t.Context(), latest); err != nil {
			t.Fatal(err)
		}
		for s.detail().Sequence != 2 {
			pass(100 * time.Millisecond)
			if time.Since(began) > 3*catalog.DefaultStepTimeout {
				t.Fatalf("the registry's change is not in effect after %v", time.Since(began))
			}
		}
	})
}

// TestTextOfADescription: what a worker says of itself is not repeated at length.
func TestTextOfADescription(t *testing.T) {
	long := strings.Repeat("x", 1<<20)
	for name, response := range map[string]*mqrpcv1.DescribeResponse{
		"revision": {Module: greeter.Module, Version: greeter.Version, Revision: long, Files: registrytest.API(greeter, 1, 1).GetFiles()},
		"module":   {Module: long, Version: greeter.Version},
		"version":  {Module: greeter.Module, Version: long},
	} {
		t.Run(name, func(t *testing.T) {
			apis, err := catalog.New(catalog.Config{Workers: describing{response}})
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = apis.Close(t.Context()) }()
			if _, err := apis.API(t.Context(), greeter.Module, greeter.Version); err == nil || len(err.Error()) > 1000 {
				t.Errorf("the error has %d bytes", len(fmt.Sprint(err)))
			}
		})
	}
}

// describing is workers that all describe themselves alike.
type describing struct{ response *mqrpcv1.DescribeResponse }

func (d describing) Describe(context.Context, contract.Key, string, string) (*mqrpcv1.DescribeResponse, error) {
	return d.response, nil
}

func (d describing) Admit(context.Context, contract.Key, string, *mqrpcv1.Admission) error {
	return nil
}

// TestOtherContents: what a store or a snapshot has under an API's name must be
// that API, and of the revision that it says.
func TestOtherContents(t *testing.T) {
	other := contract.Key{Module: "other", Version: "1"}
	r := newRegistry(t)
	save(t, r, registrytest.API(other, 1, 1))
	mixed := registrytest.API(greeter, 0, 1)
	mixed.Revision = registrytest.API(greeter, 0, 2).GetRevision()
	for name, config := range map[string]catalog.Config{
		"store":    {Store: misplaced{r, other}},
		"snapshot": {Snapshot: snapshotOf{mixed}, Workers: describing{}},
	} {
		t.Run(name, func(t *testing.T) {
			config.Logger = slog.New(slog.DiscardHandler)
			apis, err := catalog.New(config)
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = apis.Close(t.Context()) }()
			api, err := apis.API(t.Context(), greeter.Module, greeter.Version)
			if err == nil || errors.Is(err, catalog.ErrUnknownModule) || name == "store" && !errors.Is(err, registry.ErrCorrupt) {
				t.Errorf("got %v, error %v", api, err)
			}
		})
	}
}

// misplaced is a store that answers with another API.
type misplaced struct {
	registry.Store

	key contract.Key
}

func (m misplaced) Load(ctx context.Context, _ contract.Key) (*mqrpcv1.Api, error) {
	return m.Store.Load(ctx, m.key)
}

// snapshotOf is a snapshot that has one API under every name.
type snapshotOf struct{ api *mqrpcv1.Api }

func (s snapshotOf) Put(*mqrpcv1.Api) error { return nil }

func (s snapshotOf) Get(contract.Key) (*mqrpcv1.Api, time.Time, error) {
	return s.api, time.Now(), nil
}
